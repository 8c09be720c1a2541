"""Event files in object storage: S3 and whatever speaks its protocol, listed and fetched.

Each object that is read is first copied to disk and then read like any other file: what it
is, its content says, and the text of its rejected lines is at hand without a second request.
"""

import os
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from offer_ai.base.shown import without_secrets
from offer_ai.warehouse.event_files import is_event_name

ENDPOINTS = {"s3": None, "gs": "https://storage.googleapis.com"}
TRIES = 5  # of a download that breaks off
AT_ONCE = 16  # downloads
REFUSALS = ("403", "AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch",
            "InvalidClientTokenId", "AuthFailure")
NO_CREDENTIALS = ("no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                  "AWS_PROFILE, or run with a role")


class StorageError(OSError):
    """What the object storage would not do, in one sentence without the URL."""


class ObjectStorage:
    """A store of objects, named by URLs: s3://bucket/key, gs://bucket/key.

    Credentials come from the standard AWS chain (for Google, an HMAC key in its place),
    AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL names another endpoint. A store that is busy is
    asked again, with growing pauses.
    """

    def __init__(self, scheme: str):
        self.scheme = scheme

    def list(self, events: str, after: str | None = None) -> list[dict]:
        """One row per object: source_file (its URL), size (bytes), modified_us (since 1970).

        `events` is the URL of an object, of a folder (all below it) or a glob; as in
        a directory, hidden names, markers and empty objects do not count. Only names that
        sort behind the URL `after` are asked for. Raises StorageError.
        """
        bucket, name = split_url(events)
        start = after.removeprefix(f"{self.scheme}://{bucket}/") if after else ""
        try:
            return [
                {"source_file": f"{self.scheme}://{bucket}/{entry['Key']}", "size": entry["Size"],
                 "modified_us": round(entry["LastModified"].timestamp() * 1e6)}
                for entry in self.entries(bucket, name, start)]
        except self.failures as error:
            raise StorageError(self.why(error, bucket)) from error

    def entries(self, bucket: str, name: str, start: str) -> Iterator[dict]:
        """The entries of objects that a name or a glob stands for, in order of their names."""
        if not is_glob(name):
            # Of all names that begin so, the name itself comes first.
            first = self.client.list_objects_v2(Bucket=bucket, Prefix=name, MaxKeys=1)
            for entry in first.get("Contents", []) if name else []:
                if entry["Key"] == name and not name.endswith("/"):
                    yield entry
                    return
        folder = name if not name or name.endswith("/") or is_glob(name) else f"{name}/"
        prefix = re.split(r"[*?\[]", folder)[0]
        matches = pattern_of(folder).fullmatch
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, StartAfter=start)
        for page in pages:
            for entry in page.get("Contents", []):
                below = entry["Key"].removeprefix(prefix.rpartition("/")[0]).lstrip("/")
                if entry["Size"] and matches(entry["Key"]) and is_event_name(below):
                    yield entry

    def fetch(self, url: str, target: Path) -> str:
        """Copies an object to a file, whole or not at all; returns its ETag.

        Raises StorageError.
        """
        bucket, key = split_url(url)
        part = target.with_name(f"{target.name}.part")
        for tried in range(1, TRIES + 1):
            try:
                answer = self.client.get_object(Bucket=bucket, Key=key)
                with part.open("wb") as file:
                    shutil.copyfileobj(answer["Body"], file, 1 << 20)
                if part.stat().st_size != answer["ContentLength"]:
                    raise self.broken_off("the download broke off")
                part.replace(target)
                return answer["ETag"].strip('"')
            except self.broken_off as error:
                if tried == TRIES:
                    raise StorageError(f"the download broke off {TRIES} times") from error
                pause(tried)
            except self.failures as error:
                raise StorageError(self.why(error, bucket)) from error

    def etag(self, url: str) -> str:
        """The ETag of an object. Raises StorageError."""
        bucket, key = split_url(url)
        try:
            return self.client.head_object(Bucket=bucket, Key=key)["ETag"].strip('"')
        except self.failures as error:
            raise StorageError(self.why(error, bucket)) from error

    @cached_property
    def client(self):
        try:
            import boto3
        except ImportError as error:
            raise StorageError(
                f"{self.scheme}:// needs boto3: run `make setup-cloud`") from error
        from botocore.config import Config

        own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return boto3.session.Session().client("s3", endpoint_url=own or ENDPOINTS[self.scheme],
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 8},
                max_pool_connections=AT_ONCE, read_timeout=30, connect_timeout=10,
                # Other stores than Amazon's know no other.
                response_checksum_validation="when_required",
                request_checksum_calculation="when_required"))

    @cached_property
    def failures(self) -> tuple[type[Exception], ...]:
        from botocore.exceptions import BotoCoreError, ClientError
        return BotoCoreError, ClientError

    @cached_property
    def broken_off(self) -> type[Exception]:
        """What a connection that ends early raises: whatever is no answer of the store."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        class BrokenOff(Exception):
            pass

        return BrokenOff, HTTPClientError, IncompleteReadError

    def why(self, error: Exception, bucket: str) -> str:
        """What went wrong, as part of a sentence."""
        from botocore.exceptions import ClientError, NoCredentialsError

        if isinstance(error, NoCredentialsError):
            return NO_CREDENTIALS
        if not isinstance(error, ClientError):
            return f"the store cannot be reached: {without_secrets(str(error).splitlines()[0])}"
        told = error.response.get("Error", {})
        code = str(told.get("Code"))
        if code == "NoSuchBucket":
            return f"there is no bucket '{bucket}'"
        if code in ("NoSuchKey", "404"):
            return "the object is gone"
        if code in REFUSALS:
            return (f"the store refuses these credentials ({code}): check them and their right to "
                    f"list and read the bucket '{bucket}'")
        return f"the store says {code}: {str(told.get('Message')).splitlines()[0]}"


def pause(tried: int) -> None:
    """Waits before another try, twice as long each time, with some chance in it."""
    time.sleep(min(10.0, 0.2 * 2 ** tried) * random.uniform(0.5, 1))


def split_url(url: str) -> tuple[str, str]:
    """The bucket and the key (or what names several) of a URL."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


def is_glob(name: str) -> bool:
    return bool(re.search(r"[*?\[]", name))


def pattern_of(name: str) -> re.Pattern:
    """What the keys of a folder (it ends with `/`), or of a glob, are like.

    As in a file system `*` ends at a slash, `**` does not, and all below a match counts. Raises
    StorageError for what is no glob.
    """
    tokens: dict[str, Callable] = {"**/": lambda _: "(?:.*/)?", "**": lambda _: ".*",
                                   "*": lambda _: "[^/]*", "?": lambda _: "[^/]"}
    def translated(match: re.Match) -> str:
        token = match.group()
        if token in tokens:
            return tokens[token](token)
        if token.startswith("["):
            return "[" + token[1:-1].replace("!", "^", 1).replace("\\", r"\\") + "]"
        return re.escape(token)

    if not is_glob(name):
        return re.compile(re.escape(name) + ".*", re.DOTALL)
    text = re.sub(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|.", translated, name, flags=re.DOTALL)
    below = ".*" if name.endswith("/") else "(?:/.*)?"
    try:
        return re.compile(text + below, re.DOTALL)
    except re.error as error:
        raise StorageError(f"'{name}' is no glob: {error.msg}") from error
