"""The feature store in a DynamoDB table."""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import boto3
import botocore.config
import botocore.exceptions

from offer_ai.features.store import Description, Item, ItemError, Row, Store, StoreError

MAX_WRITES, MAX_READS = 25, 100  # per request, DynamoDB's own limits
MAX_ID = 2000  # bytes; a partition key may have 2,048
WORKERS = 8
TRIES = 10
PUBLISHER_WAITS, READER_WAITS = (5, 10), 0.25  # seconds (to connect, to read)
DESCRIPTION = "description"
THROTTLED = {
    "ProvisionedThroughputExceededException", "ThrottlingException",
    "RequestLimitExceeded", "InternalServerError",
}


def as_store_error(method):
    """Turns what boto3 raises into a StoreError of one sentence."""
    @wraps(method)
    def call(self, *arguments):
        try:
            return method(self, *arguments)
        except botocore.exceptions.NoCredentialsError as error:
            raise StoreError(
                "No AWS credentials were found: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run with a role.") from error
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise StoreError(
                    f"There is no DynamoDB table '{self.table}' in {self.region}: create it "
                    "with the partition key `id` (string), see docs/aws.md.") from error
            raise StoreError(f"DynamoDB table '{self.table}': {error}") from error
        except botocore.exceptions.BotoCoreError as error:
            raise StoreError(f"DynamoDB table '{self.table}': {error}") from error
    return call


class DynamoStore(Store):
    """One item per user: id (the partition key), user_id, feature_versions, as_of, schema_version.

    URL: dynamodb://table?region=eu-west-1[&endpoint=http://host:port][&timeout=0.25].
    Credentials come from the standard AWS chain. What DynamoDB throttles or leaves unprocessed
    is tried again with growing pauses; a reader asks for one user once, for so many seconds.
    """

    def __init__(self, url: str, read_only: bool = False):
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self.table = parts.netloc
        self.pause = 0.05  # seconds before the second try
        self.tries = 1 if read_only else TRIES
        timeout = options.get("timeout", READER_WAITS if read_only else None)
        connect, read = (float(timeout),) * 2 if timeout is not None else PUBLISHER_WAITS
        try:
            self.client = boto3.session.Session().client(
                "dynamodb", region_name=options.get("region"),
                endpoint_url=options.get("endpoint"),
                config=botocore.config.Config(
                    connect_timeout=connect, read_timeout=read, max_pool_connections=WORKERS,
                    retries={"mode": "standard", "total_max_attempts": 1 if read_only else 4}))
        except botocore.exceptions.NoRegionError as error:
            raise StoreError(
                f"'{url}' names no region: add ?region=eu-west-1, or set AWS_REGION."
            ) from error
        self.region = self.client.meta.region_name

    @as_store_error
    def description(self) -> Description | None:
        found = self._patiently(
            self.client.get_item, self.tries, TableName=self.table,
            Key={"id": {"S": DESCRIPTION}}, ConsistentRead=True)
        return ("Item" in found and Description.from_json(
            found["Item"].get("json", {}).get("S"))) or None

    @as_store_error
    def get(self, user_id: str) -> Item | None:
        found = self._patiently(
            self.client.get_item, self.tries, TableName=self.table, Key=key_of(user_id))
        return ("Item" in found and to_item(found["Item"])) or None

    @as_store_error
    def get_many(self, user_ids: Sequence[str]) -> dict[str, Item]:
        with ThreadPoolExecutor(WORKERS) as pool:
            return {item.user_id: item
                    for items in pool.map(self._read, chunks(user_ids, MAX_READS))
                    for item in items}

    @as_store_error
    def user_ids(self) -> Iterator[str]:
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table, ProjectionExpression="user_id")
        return iter([found["user_id"]["S"] for page in pages for found in page["Items"]
                     if "user_id" in found])

    @as_store_error
    def write(self, rows: Sequence[Row], description: Description) -> None:
        stamp = description.as_of, description.schema_version
        self._write_all([{"PutRequest": {"Item": key_of(row[0]) | {
            name: {"S": value} for name, value in Item(*row, *stamp)._asdict().items()
        }}} for row in rows])

    @as_store_error
    def remove(self, user_ids: Sequence[str]) -> None:
        self._write_all([{"DeleteRequest": {"Key": key_of(u)}} for u in user_ids])

    @as_store_error
    def complete(self, description: Description) -> None:
        self._patiently(self.client.put_item, TableName=self.table, Item={
            "id": {"S": DESCRIPTION}, "json": {"S": description.to_json()}})

    def close(self) -> None:
        self.client.close()

    def _write_all(self, requests: list[dict]) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._write_some, chunks(requests, MAX_WRITES)))

    def _write_some(self, requests: list[dict]) -> None:
        for pause in pauses(self.pause):
            left = self._patiently(
                self.client.batch_write_item, RequestItems={self.table: requests}
            ).get("UnprocessedItems", {})
            if not left:
                return
            requests = left[self.table]
            time.sleep(pause)
        raise StoreError(f"DynamoDB table '{self.table}' took only a part of the items in "
                         f"{TRIES} tries: it needs more write capacity.")

    def _read(self, user_ids: Sequence[str]) -> list[Item]:
        keys, items = [key_of(user_id) for user_id in user_ids], []
        for pause in pauses(self.pause):
            found = self._patiently(
                self.client.batch_get_item, RequestItems={self.table: {"Keys": keys}})
            items += map(to_item, found["Responses"].get(self.table, []))
            left = found.get("UnprocessedKeys", {})
            if not left:
                return items
            keys = left[self.table]["Keys"]
            time.sleep(pause)
        raise StoreError(f"DynamoDB table '{self.table}' gave only a part of the items in "
                         f"{TRIES} tries: it needs more read capacity.")

    def _patiently(self, call, tries: int = TRIES, **arguments) -> dict:
        """Calls; tries again while DynamoDB throttles.

        For longer than botocore, whose one number of tries holds for a server that is down
        as well: a request that waits for a decision must not wait for that.
        """
        for pause in pauses(self.pause, tries):
            try:
                return call(**arguments)
            except botocore.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in THROTTLED:
                    raise
                last = error
            time.sleep(pause)
        raise last


def key_of(user_id: str) -> dict:
    encoded = user_id.encode()
    name = user_id if len(encoded) <= MAX_ID else f"sha256 {sha256(encoded).hexdigest()}"
    return {"id": {"S": f"user {name}"}}


def to_item(found: dict) -> Item:
    try:
        return Item(**{name: found[name]["S"]
                       for name in ("user_id", "feature_versions", "as_of", "schema_version")})
    except KeyError as error:
        raise ItemError(found["id"]["S"].removeprefix("user ")) from error


def chunks(values: Sequence, size: int) -> Iterator[Sequence]:
    for start in range(0, len(values), size):
        yield values[start:start + size]


def pauses(first: float, tries: int = TRIES) -> Iterator[float]:
    """Seconds to wait after each of so many tries: doubled each time, with jitter;
    none after the last."""
    for attempt in range(tries):
        is_last = attempt + 1 == tries
        yield 0 if is_last else min(first * 2**attempt, 5) * (0.5 + random.random() / 2)
