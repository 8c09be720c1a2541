"""The models of decision points that a user declares: dbt makes no models from a list."""

import re
from pathlib import Path

import click

from offer_ai.base import declarations

FOLDER = Path("models", "decision_points")
TEMPLATES = Path(__file__).parent / "decision_templates"


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
        for template in sorted(TEMPLATES.iterdir()):
            file = template.name.replace("name", name).replace("one_", f"{point['one']}_")
            path, text = project / FOLDER / file, template.read_text()
            for word, value in words.items():
                text = text.replace(f"<{word}>", value)
            if not path.exists() or path.read_text() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                written.append(path)
    return written
