"""Files as they are found and looked at: what is at fault is told apart, and nothing is guessed."""

import gzip
import json
import os
import shutil
from pathlib import Path

import click
import pytest

from offer_ai.warehouse import plain_lines
from offer_ai.warehouse.connection import catalog_of, open_warehouse
from offer_ai.warehouse.event_files import is_event_name, list_files, may_hold_events
from offer_ai.warehouse.event_source import EventSource

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(("error", "is_reached"), [
    (PermissionError(13, "Permission denied"), False), (OSError(28, "No space left"), False),
    (MemoryError(), False), (OSError("Corrupt snappy compressed data."), True)])
def test_what_the_machine_is_at_fault_for_is_tried_again(tmp_path, monkeypatch, error, is_reached):
    """What a file holds is not: it stays a reject until the file changes."""
    def fail(_):
        raise error

    monkeypatch.setattr(plain_lines, "digest", fail)
    path = tmp_path / "1.ndjson"
    path.write_text("{}\n")
    (told,) = EventSource(str(path)).inspect([(str(path), 1)], [], [], tmp_path / "scratch")
    assert told["is_reached"] == is_reached
    assert told["error"]


def test_a_byte_order_mark_makes_no_two_users_one(tmp_path):
    """What is no UTF-8 behind it stays as it is, and is rejected with its line."""
    lines = [json.dumps({"customer_identifier": "?"}).encode().replace(b"?", one)
             for one in (b"J\xf6", b"J\xe4", "ö".encode())]
    path = tmp_path / "1.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n")
    (told,) = EventSource(str(path)).inspect([(str(path), 1)], [], [], tmp_path / "scratch")
    assert Path(told["read_path"]).read_bytes().splitlines() == lines


def test_a_file_that_someone_may_write_on_is_read_from_a_copy(tmp_path):
    path = tmp_path / "1.ndjson.gz"
    path.write_bytes(gzip.compress(b"{}\n"))
    source = EventSource(str(path))
    source.list()
    (told,) = source.inspect([(str(path), 1)], [], [], tmp_path / "scratch")
    assert told["read_path"] == str(tmp_path / "scratch" / "1.object.gz")
    assert (told["error"], told["digest"]) == (None, source.digest(str(path)))
    with path.open("ab") as file:
        file.write(gzip.compress(b"{}\n"))
    (told,) = source.inspect([(str(path), 2)], [], [], tmp_path / "scratch")
    assert not told["is_reached"]
    assert told["error"] == "it is being written to; the next build tries again"
    source.list()
    os.utime(path, (0, 0))
    (told,) = source.inspect([(str(path), 3)], [], [], tmp_path / "scratch")
    assert (told["read_path"], told["is_reached"]) == (str(path), True)


def test_without_room_for_a_copy_a_file_is_read_as_it_lies(tmp_path, monkeypatch):
    def fail(source, target):
        Path(target).write_text("{")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fail)
    path, scratch = tmp_path / "1.ndjson", tmp_path / "scratch"
    path.write_text("{}\n")
    (told,) = EventSource(str(path)).inspect([(str(path), 1)], [], [], scratch)
    assert (told["read_path"], told["error"], list(scratch.iterdir())) == (str(path), None, [])


def test_a_name_that_is_not_utf_8(tmp_path):
    (tmp_path / "a\udcff.json").write_text("{}")
    with pytest.raises(OSError, match=r"'.*a\\udcff.json' is not UTF-8: rename it"):
        list_files(str(tmp_path))


def test_a_file_that_goes_while_it_is_looked_at(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere")
    assert not may_hold_events(str(tmp_path / "gone.json"))
    assert may_hold_events(str(tmp_path / "link.json"))  # it is reported


@pytest.mark.parametrize(("name", "counts"), [
    ("_SUCCESS", False), ("dt=1/_SUCCESS", False), ("2025_SUCCESS", True), ("_SUCCESS.json", True),
    ("a.crc", False), ("a.tmp", False), ("a.part", False), ("crc", True), (".a", False)])
def test_which_names_count(name, counts):
    """On Spark macros/engine/raw_files.sql says the same."""
    assert is_event_name(name) == counts


@pytest.mark.parametrize("name", ["published", "Marts", "main"])
def test_a_warehouse_whose_name_is_taken(tmp_path, name):
    path = tmp_path / f"{name}.duckdb"
    with pytest.raises(ValueError, match="is taken"):
        catalog_of(path)
    path.touch()
    with pytest.raises(click.ClickException, match="is taken"):
        open_warehouse(path)
