"""The feature store that a URL names."""

from offer_ai.features.store import Store, StoreError


def open_store(url: str, read_only: bool = False) -> Store:
    """The store at a URL: sqlite:///relative/path, sqlite:////absolute/path,
    redis://host:port/number or dynamodb://table?region=name.
    """
    try:
        match url.partition(":")[0]:
            case "sqlite":
                from offer_ai.features.sqlite_store import SqliteStore

                return SqliteStore(url, read_only)
            case "redis" | "rediss":
                from offer_ai.features.redis_store import RedisStore

                return RedisStore(url)
            case "dynamodb":
                from offer_ai.features.dynamodb_store import DynamoStore

                return DynamoStore(url)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"'{url}' needs {error.name}: run `make setup-cloud`.") from error
    raise StoreError(
        f"'{url}' names no feature store: use sqlite:///path/to/file.sqlite, "
        "redis://host:6379/0 or dynamodb://table?region=eu-west-1.")


def is_at_hand(url: str) -> bool:
    """Whether a store answers from a file of this machine, without waiting for a network."""
    return url.startswith("sqlite:")
