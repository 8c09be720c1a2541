"""The models of decision points that a user declares: dbt makes no models from a list."""

import re
from pathlib import Path

import click

from offer_ai.base import declarations

FOLDER = Path("models", "decision_points")
STORED = """{{{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='fail',
    schema='anchors', contract={{'enforced': true}},
    meta={{'decision_point': '{name}', 'day_of': '{time}'}},
    pre_hook="{{{{ offer_ai.delete_stale_{kind}('{name}') }}}}") }}}}
{{{{ offer_ai.decision_{kind}('{name}') }}}}
"""
MODELS = {
    "{one}_anchors": """{{{{ config(materialized='view', schema='anchors') }}}}
{{{{ offer_ai.decision_anchors('{name}') }}}}
""",
    "{one}_features": STORED.replace("{kind}", "features"),
    "{one}_labels": STORED.replace("{kind}", "labels"),
    "training_{name}": """{{{{ config(materialized='view', schema='marts', contract={{'enforced': true}}) }}}}
{{{{ offer_ai.training_table('{name}') }}}}
""",
}
ANCHOR = """
        {{'name': '{one}_id', 'data_type': 'string', 'description': 'A digest that names the event; one row each.',
         'constraints': [{{'type': 'not_null', 'warn_unsupported': false}}]}},
        {{'name': 'user_id', 'data_type': 'string', 'description': 'The user.',
         'constraints': [{{'type': 'not_null', 'warn_unsupported': false}}]}},
        {{'name': '{time}', 'data_type': 'timestamp', 'description': 'The time t of the anchor (UTC).',
         'constraints': [{{'type': 'not_null', 'warn_unsupported': false}}]}},"""
SESSION = """
        {{'name': 'session_id', 'data_type': 'string', 'description': 'The session of the event, null for none.'}},
        {{'name': 'session_index', 'data_type': 'bigint', 'description': '1, 2, … per user by (started_at, session_id).'}},"""
MATURES = """
        {{'name': 'label_matures_at', 'data_type': 'timestamp', 'description': 'When the labels can no longer change (UTC).'}},"""
IS_MATURE = """
        {{'name': 'is_label_mature', 'data_type': 'boolean', 'description': 'Whether label_matures_at is not after the watermark.'}},"""
POINT = "var('decision_points')['{name}']"
COLUMNS = f"{POINT}.get('columns', [])"


def entries(kind: str) -> str:
    """Jinja for the contracts of the features or labels that a point has."""
    return (f"(var('{kind}') if {POINT}.get('{kind}', 'all') == 'all' else var('{kind}')"
            f" | selectattr('name', 'in', {POINT}['{kind}']) | list)")


CONTRACTS = f"""models:
  - name: {{one}}_anchors
    description: One row per event of the decision point `{{name}}` (as far as a cap keeps it).
  - name: {{one}}_features
    description: One row per anchor of `{{name}}`, its features as they were known before it.
    data_tests:
      - offer_ai.primary_key: {{{{arguments: {{{{columns: [{{one}}_id]}}}}}}}}
    columns: "{{{{{{{{ [{ANCHOR}{SESSION}
      ] + {COLUMNS} + {entries('features')} }}}}}}}}"
  - name: {{one}}_labels
    description: One row per anchor of `{{name}}`, its labels.
    data_tests:
      - offer_ai.primary_key: {{{{arguments: {{{{columns: [{{one}}_id]}}}}}}}}
    columns: "{{{{{{{{ [{ANCHOR}{MATURES}
      ] + {entries('labels')} }}}}}}}}"
  - name: training_{{name}}
    description: >
      One row per anchor of `{{name}}`: the features known before it and the labels after it. Train
      on rows with is_label_mature only.
    data_tests:
      - offer_ai.primary_key: {{{{arguments: {{{{columns: [{{one}}_id]}}}}}}}}
    columns: "{{{{{{{{ [{ANCHOR}{SESSION}{MATURES}{IS_MATURE}
      ] + {COLUMNS} + {entries('features')}
      + {entries('labels')} }}}}}}}}"
"""


def write_models(project: Path) -> list[Path]:
    """Writes the models of each declared decision point but `offers`; returns what is new.

    They follow the declarations by themselves: only a new point, or another name, needs this
    again. Raises ClickException for a name that no relation can have.
    """
    written = []
    for name, point in declarations.decision_points().items():
        if name == declarations.OFFERS:
            continue
        words = {"name": name, "one": point["one"], "time": point["time"]}
        if odd := [word for word in words.values() if not re.fullmatch("[a-z_][a-z0-9_]*", word)]:
            raise click.ClickException(
                f"dbt_project.yml, decision_points, {name}: '{odd[0]}' names relations and "
                "columns, so it must be a word of a-z, 0-9 and _.")
        texts = {f"{file}.sql": text for file, text in MODELS.items()}
        for file, text in {**texts, "{name}.yml": CONTRACTS}.items():
            path = project / FOLDER / file.format(**words)
            made = text.format(**words)
            if not path.exists() or path.read_text() != made:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(made)
                written.append(path)
    return written
