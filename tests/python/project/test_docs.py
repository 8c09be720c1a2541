"""Every model, column and macro is described."""

import json
from pathlib import Path

from dbt_common.clients.jinja import parse
from jinja2.nodes import Macro

from built import TARGET, build, dbt, write_events


def arguments(macro: str) -> list[str]:
    """The names of a macro's arguments, of which the manifest has those that are described alone;
    dbt gives each materialization one of its own."""
    return [argument.name for found in parse(macro).find_all(Macro) for argument in found.args
            if argument.name != "supported_languages"]


def test_everything_is_described(tmp_path):
    write_events(tmp_path / "f.ndjson", {})
    place = {"events": tmp_path / "f.ndjson", "database": tmp_path / "w.duckdb"}
    build(*place.values())
    dbt("docs", "generate", "--write-json", **place)
    manifest, catalog = (
        json.loads(Path(TARGET, f"{name}.json").read_text())
        for name in ("manifest", "catalog"))
    assert len(catalog["nodes"]) > 20
    missing = [
        f"{key}.{column}" for key, node in catalog["nodes"].items()
        for described in [manifest["nodes"][key]["columns"]]
        for column in node["columns"]
        if not described.get(column, {}).get("description")]
    missing += [key for key in catalog["nodes"]
                if not manifest["nodes"][key]["description"]]
    missing += [
        key for key, macro in manifest["macros"].items()
        if macro["package_name"] == "offer_ai" and "__" not in macro["name"]
        and not (macro["description"] and set(arguments(macro["macro_sql"])) <= {
            a["name"] for a in macro["arguments"] if a["description"]})]
    assert missing == []
