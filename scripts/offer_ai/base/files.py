"""Files and folders that appear whole or not at all, and the names they go by."""

import hashlib
import json
import os
import shutil
from pathlib import Path

MANIFEST = "manifest.json"


def json_text(value: dict) -> str:
    return json.dumps(value, indent=2) + "\n"


def write_json(path: Path, value: dict) -> None:
    """Writes the file whole or not at all."""
    part = part_of(path)
    with part.open("w") as file:
        file.write(json_text(value))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def part_of(path: Path) -> Path:
    """Where a file or folder is written before one rename gives it its name."""
    return path.with_name(f".{path.name}.part")


def new_folder(path: Path) -> Path:
    """The folder, empty, whatever a killed process left in it."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
