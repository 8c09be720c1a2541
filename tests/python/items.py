"""What tests publish to a feature store."""

from offer_ai.features.publish import publish
from offer_ai.features.store import Description, Item, schema_version

FEATURES = [{"name": "country", "data_type": "string"},
            {"name": "prev_week_purchase_amount", "data_type": "decimal(38, 4)"}]
VERSION = schema_version(FEATURES)


def description(through=1, warehouse="w", version=VERSION, features=FEATURES,
                as_of="2025-01-29T00:00:00Z") -> Description:
    return Description(features, [None, "0"][:len(features)], as_of, warehouse, through, as_of,
                       version)


def item(user: str, country: str, amount: str = "4.9900") -> Item:
    return Item(user, f'[["s",1000000,null,"0.0000"],[null,1000000,"{country}","{amount}"],'
                f'[null,2000000,"{country}","0.0000"]]', "2025-01-29T00:00:00Z", VERSION)


def publish_all(store, items, now=None, users=None):
    rows = [i[:2] for i in items]
    return publish(store, [rows[:2], rows[2:]], now or description(),
                   lambda: users or {i.user_id for i in items})
