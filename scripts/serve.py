"""Serves decisions over HTTP: POST /decide, GET /healthz, GET /metrics."""

import gc
import logging
import os
from pathlib import Path

import click
import uvicorn

from offer_ai.base import settings
from offer_ai.serving.app import create_app
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=8080, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--store", default=None, help="The feature store, as a URL; by default the "
              "SQLite file under OFFER_AI_EXPORT/latest.")
@click.option("--apprentice", is_flag=True,
              help="Make the offer that each request brings along, and only note what the "
              "promoted model would have done (marts.policy_evaluation).")
@click.option("--rotate-seconds", default=10.0, type=click.FloatRange(0.1),
              help="How long a file of decisions stays open before it can land.")
def main(host: str, port: int, store: str | None, apprentice: bool,
         rotate_seconds: float) -> None:
    """Serve decisions with the promoted model and the published features.

    Each is logged as an offer_shown event under OFFER_AI_EVENTS, from where the next
    build learns of it. With OFFER_AI_API_KEY set, requests need it as X-API-Key.
    """
    events, export = Path(settings.events()), settings.export_folder()
    if not events.is_dir():
        raise click.ClickException(
            f"OFFER_AI_EVENTS='{settings.events()}' is no directory: decisions are logged there.")
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("offer_ai").setLevel(logging.INFO)
    try:
        decider = Decider(export / "models", store or settings.default_store(export),
                          DecisionLog(events, rotate_seconds), apprentice)
        app = create_app(decider, os.environ.get("OFFER_AI_API_KEY"))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    state = decider.state
    why = f"; {state['why_not']}" if state["why_not"] else ""
    click.echo(f"http://{host}:{port} decides with {state['policy_version']}, since "
               f"{state['since']}{why}", err=True)
    # What is loaded by now stays: a search of it for garbage would hold requests up.
    gc.freeze()
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
