"""Events in each producer's form give the marts that the same events give in ours."""

import json
import os
from datetime import UTC, datetime

import pytest

from built import BuildError, build, rows
from compared import same, same_warehouses

DEVICE = {"language": "da", "package_name": "game.tiles", "package_version": "2.4.1",
          "os": "iOS", "os_version": "17.1", "device_make": "Apple", "device_model": "iPhone 15"}
# Of each type: another producer's name for it, in words.
WORDS = {"app_launched": "Session Started", "user_updated": "User Updated",
         "game_start": "Game Started", "game_end": "Game Ended", "offer_shown": "Offer Shown",
         "purchase": "Order Completed", "chat_sent": "Chat Sent"}


def event(number: int, kind: str, user: str = "u1", day: int = 1, **own) -> dict:
    return {"event_id": kind, "event_time": f"2025-01-{day:02}T10:00:{number:02}",
            "customer_identifier": user, "session_id": f"17357256{day:02}",
            "event_uuid": f"{user}-{day}-{number}", "received_at": f"2025-01-{day:02}T10:05:00",
            **own}


EVENTS = [e for user in ("u1", "u2", "u3") for day in (1, 3, 12) for e in (
    event(1, "app_launched", user, day, country="DK" if day < 3 else "SE", signin_method="fb",
          **DEVICE),
    event(2, "game_start", user, day, level=day),
    event(3, "game_end", user, day, level=day, score=900, won=day != 3),
    event(4, "offer_shown", user, day, offer_type="gems", offer_price=4.99, propensity=0.25,
          policy_version="v1", decision_id=f"d{user}{day}", offer_purchased=True,
          offer_dismissed=False),
    event(5, "purchase", user, day, txn_amount=4.99, sku="gems-5", currency="USD"),
    event(6, "user_updated", user, day, signin_method="google"),
)] + [event(7, "purchase", "u1", 1, txn_amount=-1.5, currency="USD")]
HEAD = ("event_id", "event_time", "customer_identifier", "session_id", "event_uuid", "received_at")


def own(event: dict) -> dict:
    """What is in an event beside its head."""
    return {name: value for name, value in event.items() if name not in HEAD}


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def segment(e: dict) -> dict:
    inner = own(e)
    context = {"sessionId": int(e["session_id"]), "locale": inner.pop("language", None),
               "app": {"namespace": inner.pop("package_name", None),
                       "version": inner.pop("package_version", None)},
               "os": {"name": inner.pop("os", None), "version": inner.pop("os_version", None)},
               "device": {"manufacturer": inner.pop("device_make", None),
                          "model": inner.pop("device_model", None)}}
    if "txn_amount" in inner:
        inner["revenue"] = inner.pop("txn_amount")
        inner["products"] = [{"sku": inner.pop("sku", None)}]
    line = {"messageId": e["event_uuid"], "timestamp": e["event_time"] + ".000Z",
            "context": context, "receivedAt": e["received_at"] + "Z", "userId": None,
            "anonymousId": e["customer_identifier"]}
    if e["event_id"] == "user_updated":
        return line | {"type": "identify", "traits": inner}
    return line | {"type": "track", "event": WORDS[e["event_id"]], "properties": inner}


def mixpanel(e: dict) -> dict:
    inner = own(e)
    for ours, theirs in {"package_version": "$app_version_string", "os": "$os",
                         "os_version": "$os_version", "device_make": "$manufacturer",
                         "device_model": "$model", "country": "mp_country_code"}.items():
        if ours in inner:
            inner[theirs] = inner.pop(ours)
    return {"event": WORDS[e["event_id"]], "properties": inner | {
        "time": seconds(e["event_time"]), "distinct_id": e["customer_identifier"],
        "$insert_id": e["event_uuid"], "session_id": e["session_id"],
        "mp_processing_time_ms": seconds(e["received_at"]) * 1000}}


def amplitude(e: dict) -> dict:
    inner = own(e)
    outer = {theirs: inner.pop(ours, None) for ours, theirs in {
        "country": "country", "language": "language", "package_version": "version_name",
        "os": "os_name", "os_version": "os_version", "device_make": "device_manufacturer",
        "device_model": "device_model"}.items()}
    if "txn_amount" in inner:
        inner["$revenue"] = inner.pop("txn_amount")
        inner["$productId"] = inner.pop("sku", None)
    name = {"purchase": "revenue_amount", "app_launched": "session_start",
            "user_updated": "$identify"}.get(e["event_id"], WORDS[e["event_id"]])
    return outer | {
        "event_type": name, "event_id": 17, "event_properties": inner, "user_properties": {},
        "event_time": e["event_time"].replace("T", " ") + ".000000", "user_id": None,
        "amplitude_id": e["customer_identifier"], "session_id": int(e["session_id"]),
        "$insert_id": e["event_uuid"],
        "server_received_time": e["received_at"].replace("T", " ") + ".000000"}


def ga4(e: dict) -> dict:
    inner = own(e)
    outer = {
        "geo": {"country": inner.pop("country", None)},
        "device": {"language": inner.pop("language", None), "category": "mobile",
                   "operating_system": inner.pop("os", None),
                   "operating_system_version": inner.pop("os_version", None),
                   "mobile_brand_name": inner.pop("device_make", None),
                   "mobile_model_name": inner.pop("device_model", None)},
        "app_info": {"id": inner.pop("package_name", None),
                     "version": inner.pop("package_version", None)}}
    for ours, theirs in {"txn_amount": "value", "won": "success", "sku": "product_id"}.items():
        if ours in inner:
            inner[theirs] = inner.pop(ours)
    name = {"app_launched": "session_start", "user_updated": "user_update",
            "game_start": "level_start", "game_end": "level_end", "purchase": "in_app_purchase"}
    inner["ga_session_id"] = int(e["session_id"])
    return outer | {
        "event_name": name.get(e["event_id"], e["event_id"]), "user_id": None,
        "event_timestamp": str(seconds(e["event_time"]) * 10**6),
        "user_pseudo_id": e["customer_identifier"],
        "event_params": [{"key": key, "value": {
            "string_value": value if isinstance(value, str) else None,
            "int_value": str(int(value)) if isinstance(value, int) else None,
            "double_value": value if isinstance(value, float) else None,
        }} for key, value in inner.items()]}


def snowplow(e: dict) -> dict:
    inner = own(e)
    outer = {"geo_country": inner.pop("country", None), "app_id": inner.pop("package_name", None),
             "br_lang": inner.pop("language", None), "os_name": inner.pop("os", None),
             "contexts_com_snowplowanalytics_mobile_application_1": [
                 {"version": inner.pop("package_version", None)}],
             "contexts_com_snowplowanalytics_snowplow_mobile_context_1": [{
                 "osVersion": inner.pop("os_version", None),
                 "deviceManufacturer": inner.pop("device_make", None),
                 "deviceModel": inner.pop("device_model", None)}]}
    name = {"app_launched": "session_start", "user_updated": "user_update",
            "game_start": "level_start", "game_end": "level_end"}.get(e["event_id"], e["event_id"])
    return outer | {
        "event": "unstruct", "event_name": name, "event_id": e["event_uuid"], "user_id": None,
        "derived_tstamp": e["event_time"] + ".000Z", "collector_tstamp": e["received_at"] + "Z",
        "domain_userid": e["customer_identifier"], "domain_sessionid": e["session_id"],
        f"unstruct_event_com_acme_{name}_1": inner}


# What a producer's form has no place for is left out of ours; what it always says is put in.
FORMS = {"segment": (segment, set(), {}), "mixpanel": (mixpanel, set(), {}),
         "amplitude": (amplitude, set(), {}),
         "ga4": (ga4, {"event_uuid", "received_at"}, {"device_type": "mobile"}),
         "snowplow": (snowplow, set(), {})}
CHOSEN = os.environ.get("OFFER_AI_TEST_VOCABULARIES", "").split() or list(FORMS)


def write(path, events):
    path.write_text("\n".join(map(json.dumps, events)))
    return path


@pytest.mark.parametrize("name", [
    name if name in ("amplitude", "ga4") else pytest.param(name, marks=pytest.mark.long)
    for name in CHOSEN])
def test_a_producers_form_gives_the_same_marts(tmp_path, name):
    form, absent, present = FORMS[name]
    ours = [{n: v for n, v in e.items() if n not in absent} | present for e in EVENTS]
    expected, found = (tmp_path / of / "w.duckdb" for of in ("ours", "theirs"))
    build(write(tmp_path / "ours.json", ours), expected)
    build(write(tmp_path / "theirs.json", map(form, EVENTS)), found,
          "--vars", f"vocabulary: {name}")
    same_warehouses(found, expected)
    same(*(rows(warehouse, "from staging.stg_events") for warehouse in (found, expected)))


def test_the_users_own_names_come_first(tmp_path, monkeypatch):
    """The environment may choose, too; an unknown one is refused."""
    monkeypatch.setenv("OFFER_AI_VOCABULARY", "segment")
    line = segment(EVENTS[4])
    line["properties"]["paid"] = 7
    own_alias = ("--vars", json.dumps({"field_aliases": {"txn_amount": "properties.paid"}}))
    events = write(tmp_path / "e.json", [line, segment(EVENTS[10])])
    build(events, tmp_path / "w.duckdb", *own_alias)
    assert [float(row["txn_amount"]) for row in rows(
        tmp_path / "w.duckdb", "select txn_amount from staging.stg_purchases order by 1")] \
        == [4.99, 7]
    monkeypatch.setenv("OFFER_AI_VOCABULARY", "segmant")
    with pytest.raises(BuildError, match="'segmant' is none of amplitude, ga4, mixpanel, segment"):
        build(events, tmp_path / "x" / "w.duckdb")
