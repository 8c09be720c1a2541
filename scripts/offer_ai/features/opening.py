"""The feature store that a URL names."""

from offer_ai.base.shown import without_secrets
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

                return RedisStore(url, read_only)
            case "dynamodb":
                from offer_ai.features.dynamodb_store import DynamoStore

                return DynamoStore(url, read_only)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"'{without_secrets(url)}' needs {error.name}: run `make setup-cloud`.") from error
    except ValueError:
        # Whatever could not be read may be a piece of the password.
        raise StoreError("The feature store's URL cannot be read: in a user or password write %2F "
                         "for /, %3A for :, %40 for @, %23 for #; a port, number and timeout are "
                         "numbers.") from None
    raise StoreError(
        f"'{without_secrets(url)}' names no feature store: use sqlite:///path/to/file.sqlite, "
        "redis://host:6379/0 or dynamodb://table?region=eu-west-1.")


def is_at_hand(url: str) -> bool:
    """Whether a store answers from a file of this machine, without waiting for a network."""
    return url.startswith("sqlite:")
