"""Versions of the training table, in a local directory or in S3.

Layout, the same in both:

    manifest.json                           the version that holds; moved last
    <version>/_manifest.json                the same, for ever; Parquet readers pass over it
    <version>/offer_day=2025-01-01/offers.parquet
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import fs

from offer_ai.base.files import MANIFEST, json_text, part_of, write_json
from offer_ai.base.shown import without_secrets

OF_VERSION = f"_{MANIFEST}"
VERSION = re.compile("v[0-9a-f]{16}")  # as content_version names them
NO_CREDENTIALS = (
    "No AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "AWS_PROFILE, or run with a role.")


class PublishError(Exception):
    """Nothing new was published; the message says why and what to do."""


class Versions:
    """The versions under a path or an s3://bucket/prefix URL. Raises PublishError.

    Credentials for S3 come from the standard AWS chain; AWS_ENDPOINT_URL names an
    endpoint of your own.
    """

    def __init__(self, target: str):
        self.target = target
        if target.startswith("s3://"):
            parts = urlsplit(target)
            self.files = s3()
            self.root = f"{parts.netloc}{parts.path}".rstrip("/")
            self._require_bucket(parts.netloc)
        elif "://" in target:
            raise PublishError(f"'{without_secrets(target)}' is neither a directory nor "
                               "s3://bucket/prefix.")
        else:
            self.files = fs.LocalFileSystem()
            self.root = os.path.abspath(target)
            self.files.create_dir(self.root)

    def current(self) -> dict | None:
        """The manifest of the version that holds."""
        if self._kind(MANIFEST) == fs.FileType.NotFound:
            return None
        with self.files.open_input_stream(f"{self.root}/{MANIFEST}") as stream:
            return json.loads(stream.read())

    def publish(self, manifest: dict, source: Path, keep: int,
                progress: Callable[[], object] = lambda: None) -> dict[str, int]:
        """Publishes the files of `source` that `manifest` lists, as `manifest["version"]`.

        Days that the version before has, byte by byte, are linked or copied where they
        are, not sent again. Keeps the last `keep` versions. Returns counts: sent, kept.
        """
        before = self.current()
        held = {} if before is None else {
            file["sha256"]: f"{self.root}/{before['version']}/{file['path']}"
            for file in files_of(before)}
        version, counts = manifest["version"], {"sent": 0, "kept": 0}
        if self._kind(f"{version}/{OF_VERSION}") == fs.FileType.NotFound:
            for file in files_of(manifest):
                target = f"{self.root}/{version}/{file['path']}"
                self._make_folder(target)
                is_held = file["sha256"] in held
                if is_held:
                    self._take_over(held[file["sha256"]], target)
                else:
                    self._send(source / file["path"], target)
                if file in manifest["files"]:
                    counts["kept" if is_held else "sent"] += 1
                    progress()
            self._write_json(f"{version}/{OF_VERSION}", manifest)
        else:
            counts["kept"] = len(manifest["files"])
        history = [*(before or {}).get("history", []), version]
        history = list(dict.fromkeys(reversed(history)))[::-1][-keep:]
        self._write_json(MANIFEST, manifest | {"history": history})
        self._prune(history)
        return counts

    def kept(self) -> list[dict]:
        """The manifests of the versions that are kept, the current one last."""
        now = self.current()
        if now is None:
            return []
        found = []
        for version in now.get("history", [now["version"]]):
            name = f"{version}/{OF_VERSION}"
            if self._kind(name) == fs.FileType.NotFound:
                found.append(now)
                continue
            with self.files.open_input_stream(f"{self.root}/{name}") as stream:
                found.append(json.loads(stream.read()))
        return found

    def local(self, name: str, copy: Path) -> Path:
        """Where a file below the root can be read: there or, in S3, as the copy."""
        if self._is_local:
            return Path(self.root, name)
        with self.files.open_input_stream(f"{self.root}/{name}") as stream:
            copy.write_bytes(stream.read())
        return copy

    def replace(self, manifests: dict[str, dict], source: Path) -> None:
        """Puts other versions in the place of those that are kept, by the old one's name.

        A file of a new version is <source>/<old version>/<path> or, if that is not there, the
        old version's.
        """
        for old, manifest in manifests.items():
            for file in files_of(manifest):
                target = f"{self.root}/{manifest['version']}/{file['path']}"
                self._make_folder(target)
                changed = source / old / file["path"]
                if changed.exists():
                    self._send(changed, target)
                else:
                    self._take_over(f"{self.root}/{old}/{file['path']}", target)
            self._write_json(f"{manifest['version']}/{OF_VERSION}", manifest)
        now = self.current()
        history = [manifests.get(old, {"version": old})["version"]
                   for old in now.get("history", [now["version"]])]
        history = list(dict.fromkeys(reversed(history)))[::-1]
        self._write_json(MANIFEST, manifests.get(now["version"], now) | {"history": history})
        self._prune(history)

    def prune(self) -> None:
        """Removes what no manifest lists: what a publish or an erasure that was killed left."""
        now = self.current()
        self._prune([] if now is None else now.get("history", [now["version"]]))

    def _prune(self, history: list[str]) -> None:
        """Removes the versions that are no more, and what killed publishes left."""
        for found in self.files.get_file_info(fs.FileSelector(self.root, allow_not_found=True)):
            name = found.base_name
            if found.type == fs.FileType.Directory and VERSION.fullmatch(name) \
                    and name not in history:
                self.files.delete_dir(found.path)
            elif name == part_of(Path(MANIFEST)).name:
                self.files.delete_file(found.path)

    def _kind(self, name: str) -> fs.FileType:
        return self.files.get_file_info(f"{self.root}/{name}").type

    @property
    def _is_local(self) -> bool:
        return isinstance(self.files, fs.LocalFileSystem)

    def _make_folder(self, target: str) -> None:
        if self._is_local:
            self.files.create_dir(os.path.dirname(target))

    def _take_over(self, held: str, target: str) -> None:
        if self._is_local:
            Path(target).unlink(missing_ok=True)
            try:
                os.link(held, target)
            except OSError:  # not every file system has hard links
                shutil.copyfile(held, target)
        else:
            self.files.copy_file(held, target)

    def _send(self, source: Path, target: str) -> None:
        """An object appears in S3 when it is whole; a local file is not in any manifest yet."""
        with self.files.open_output_stream(target) as stream:
            stream.write(source.read_bytes())

    def _write_json(self, name: str, value: dict) -> None:
        """Replaces a file or an object whole."""
        target = f"{self.root}/{name}"
        if self._is_local:
            self._make_folder(target)
            write_json(Path(target), value)
        else:
            with self.files.open_output_stream(target) as stream:
                stream.write(json_text(value).encode())

    def _require_bucket(self, bucket: str) -> None:
        try:
            kind = self.files.get_file_info(bucket).type
        except OSError as error:
            raise PublishError(why(error, self.target)) from error
        if kind == fs.FileType.NotFound:
            raise PublishError(f"There is no bucket '{bucket}' (of {self.target}): create it, "
                               "or check the name, the region and AWS_ENDPOINT_URL.")


def files_of(manifest: dict) -> list[dict]:
    """Every file of a version: days of mature offers, and those that are young."""
    return [*manifest["files"], *manifest.get("young", [])]


def s3() -> fs.S3FileSystem:
    try:
        import boto3
    except ModuleNotFoundError as error:
        raise PublishError("s3:// needs boto3: run `make setup-cloud`.") from error
    credentials = boto3.session.Session().get_credentials()
    if credentials is None:
        raise PublishError(NO_CREDENTIALS)
    frozen = credentials.get_frozen_credentials()
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    options = {"region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
               "access_key": frozen.access_key, "secret_key": frozen.secret_key,
               "session_token": frozen.token,
               "connect_timeout": 5, "request_timeout": 30}
    if endpoint:
        parts = urlsplit(endpoint)
        options |= {"endpoint_override": parts.netloc, "scheme": parts.scheme}
    return fs.S3FileSystem(**options)


def why(error: OSError, target: str) -> str:
    """What an error of S3 means, in one sentence."""
    text = str(error)
    if "ACCESS_DENIED" in text:
        return f"{target} is not open to you: your credentials need the rights in docs/aws.md."
    return f"{target} cannot be reached: {without_secrets(text.splitlines()[0])}"


def content_version(files: list[dict]) -> str:
    """The name of a version: the same files, the same name."""
    return f"v{hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]}"
