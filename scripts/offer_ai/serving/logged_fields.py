"""Whether the decisions of a point can be read from the events that a service logs of them."""

from collections.abc import Mapping

from offer_ai.base import declarations
from offer_ai.base.actions import Actions
from offer_ai.features.request_time import RequestFeatures

NEEDED = {"decision_id": "id", "propensity": "probability", "policy_version": "text",
          "decision_context": "text"}
GIVEN = {"event_id", "event_time", "event_uuid", "customer_identifier", "session_id"}


def check_fields(point: dict, actions: Actions, requests: RequestFeatures) -> None:
    """Raises ValueError, in one sentence, where what is declared would not take an event back."""
    fields = declarations.variables()["event_fields"]
    place = "dbt_project.yml, event_fields"
    for name, kind in NEEDED.items():
        if name not in fields:
            raise ValueError(
                f"{place}: `{name}` is missing, and nothing could be learned from a decision of "
                f"{point['name']} without it: add `{name}: {{type: {kind}}}`.")
    by_column = {spec.get("as", name): spec for name, spec in fields.items()}
    for name, spec in [*((name, fields[name]) for name in NEEDED),
                       *((name, by_column.get(name, {})) for name in actions.names)]:
        if (owners := owners_of(spec)) and point["event"] not in owners:
            raise ValueError(
                f"{place}: `{name}` is read of {' and '.join(owners)} alone, and decisions of "
                f"{point['name']} are events {point['event']}: `of: "
                f"[{', '.join([*owners, point['event']])}]` reads it of both.")
    known = {*GIVEN, *NEEDED, *actions.names, *requests.types}
    for name, spec in fields.items():
        is_of = not owners_of(spec) or point["event"] in owners_of(spec)
        if spec.get("required") and is_of and not {name, spec.get("as")} & known:
            raise ValueError(
                f"{place}: `{name}` is required of {point['event']}, and no decision of "
                f"{point['name']} would have it: declare a feature of the point that is given with "
                f"the request (`from_anchor: {name}`), or do not require it.")


def owners_of(spec: Mapping) -> list[str]:
    """The event types that alone own a field; none for all."""
    of = spec.get("of")
    return [of] if isinstance(of, str) else list(of or [])
