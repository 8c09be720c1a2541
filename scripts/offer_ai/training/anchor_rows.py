"""A decision point's anchors and what was noted of them, as the warehouse has them."""

import hashlib
import json
from dataclasses import dataclass

import duckdb

from offer_ai.base import declarations
from offer_ai.base.sql import sql_text
from offer_ai.warehouse.connection import relation_of, relation_of_point, schema_of

NOTED = ("arm", "holdout_share", "candidates")  # by the service, of a decision
FEATURES = "features"  # likewise, as JSON
DECIDED_WITH = "decided_with"  # what these come to, a struct of each feature
BY_CHANCE = """, try_cast(json_extract_string(
        try_cast(candidates as json), '$[*].probability') as double[]) as chances,
    list_min(chances) = list_max(chances) and list_count(chances) = len(chances) as is_by_chance"""
SAID = ("propensity", "policy_version")  # likewise, where the training table does not


@dataclass(frozen=True)
class AnchorRows:
    """A decision point's anchors, with what the service noted of them, in the warehouse."""

    point: dict
    training: str
    decisions: str | None
    noted: tuple[str, ...]  # columns of `decisions`
    has_features: bool  # among them, which a warehouse of an older version has not

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, point: dict) -> "AnchorRows":
        """Raises ClickException where dbt has not built the point's training table."""
        training = relation_of_point(con, point["training"], point)
        decisions = relation_of(con, declarations.notes_of(point))
        if not point["action"] and point["name"] != declarations.OFFERS:
            decisions = None
        columns, noted = ([column["name"] for column in schema_of(con, f"from {relation}")]
                          if relation else [] for relation in (training, decisions))
        return cls(point, training, decisions, (
            *(name for name in SAID if name not in columns), *NOTED), FEATURES in noted)

    def since(self, day: str | None) -> str:
        """A query of those from a day on; of none without one."""
        def of(relation: str, time: str, more: str = "") -> str:
            which = "false" if day is None else f"{time} >= {sql_text(day)}"
            return f"(select *{more} from {relation} where {which})"
        anchors = of(self.training, self.point["time"])
        if self.decisions is None:
            return f"from {anchors}"
        key, noted = self.point["id"], [f"notes.{name}" for name in self.noted]
        if self.has_features and self.point["features"]:
            noted.append(f"{decided_with(self.point['features'])} as {DECIDED_WITH}")
        return f"""
            select anchors.*, {", ".join(noted)}
            from {anchors} as anchors
            left join {of(self.decisions, "event_time", BY_CHANCE)} as notes
                on anchors.{key} = notes.{key}"""

    def digests(self, con: duckdb.DuckDBPyConnection) -> tuple[dict[str, str], list[str]]:
        """For each day of mature rows, what changes when any of them does; and the days of which
        some are young.

        To hash the rows is far less work than to join and write them. DuckDB's hashes are those
        of its version.
        """
        time, key = self.point["time"], self.point["id"]
        columns = ", ".join((key, *self.noted, *([FEATURES] if self.has_features else [])))
        noted = "select null::date as day, 0 as total where false" if self.decisions is None else (
            f"select event_time::date as day, sum(hash({columns})::hugeint) as total "
            f"from {self.decisions} group by all")
        form = [duckdb.__version__, schema_of(con, self.since(None)), BY_CHANCE,
                decided_with(self.point["features"])]
        written = hashlib.sha256(json.dumps(form).encode()).hexdigest()[:16]
        days = con.execute(f"""
            with anchors as (
                select
                    {time}::date as day,
                    count(*) filter (is_label_mature) as mature,
                    count(*) as every,
                    sum(hash(anchors)::hugeint) filter (is_label_mature) as total
                from {self.training} as anchors
                group by all
            )
            select
                day::varchar, mature, every > mature,
                anchors.total || '-' || coalesce(noted.total, 0)
            from anchors left join ({noted}) as noted using (day)
            order by all""").fetchall()
        return ({day: f"{written}-{mature}-{total}" for day, mature, _, total in days if mature},
                [day for day, _, is_young, _ in days if is_young])


def decided_with(features: list[dict]) -> str:
    """The features that a decision was made with, as a SQL struct over `anchors` and `notes`: one
    that the service did not note is the anchor's own. Null where it noted none at all.

    Offers are made at random given these, and not given what had happened by then as well. But
    where each candidate had the same chance nothing bore upon the choice: what the service did not
    know then is the anchor's own, too, so that a first model knows the users that no store had.
    """
    noted = f"try_cast(notes.{FEATURES} as json)"

    def value(name: str, kind: str) -> str:
        told = f"try_cast({noted} ->> '$.{name}' as {kind})"
        return (f"case when not json_exists({noted}, '$.{name}') then anchors.{name} "
                f"when notes.is_by_chance then coalesce({told}, anchors.{name}) else {told} end")
    fields = ", ".join(f"{one['name']} := {value(one['name'], one['data_type'])}"
                       for one in features)
    return f"case when json_type({noted}) = 'OBJECT' then struct_pack({fields}) end"
