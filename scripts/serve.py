"""Serves decisions over HTTP: POST /decide, GET /healthz, GET /readyz, GET /metrics."""

from pathlib import Path

import click

from offer_ai.base import declarations, settings
from offer_ai.serving.running import Service, log_to_stderr, run


@click.command(context_settings={"show_default": True})
@click.option("--decision-point", default=None,
              help="Which declared decision point to decide; the first one by default.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=8080, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--store", default=None, envvar="OFFER_AI_STORE",
              help="The feature store, as a URL; by default OFFER_AI_STORE or the "
              "SQLite file under OFFER_AI_EXPORT/latest.")
@click.option("--apprentice", is_flag=True,
              help="Make the offer that each request brings along, and only note what the "
              "promoted model would have done (marts.policy_evaluation).")
@click.option("--rotate-seconds", default=10.0, type=click.FloatRange(0.1),
              help="How long a file of decisions stays open before it can land.")
@click.option("--workers", default=1, type=click.IntRange(1),
              help="Processes that share the port. With more than one no candidate may have a "
              "`most_per_user_week`: each process counts its own offers alone.")
@click.option("--per-second", default=None, type=click.FloatRange(0, min_open=True),
              help="Requests a second that a key may make, with a second's worth at once; "
              "beyond, the answer is 429. Without a bound by default.")
def main(decision_point: str | None, host: str, port: int, store: str | None, apprentice: bool,
         rotate_seconds: float, workers: int, per_second: float | None) -> None:
    """Serve decisions with the promoted model and the published features.

    Each is logged as an event of the decision point (offer_shown) under OFFER_AI_EVENTS, from
    where the next build learns of it. With OFFER_AI_API_KEY set (one key, or several as `name=key`
    separated by spaces), requests need one as X-API-Key.
    """
    events, export = Path(settings.events()), settings.export_folder()
    try:
        is_folder = events.is_dir()
    except OSError as error:
        raise click.ClickException(
            f"OFFER_AI_EVENTS='{events}' cannot be opened: {error.strerror}") from error
    if not is_folder:
        raise click.ClickException(
            f"OFFER_AI_EVENTS='{settings.events()}' is no directory: decisions are logged there.")
    name = declarations.decision_point(decision_point)["name"]
    service = Service(str(export / declarations.folder_of("models", name)),
                      store or settings.default_store(export), str(events), rotate_seconds,
                      apprentice, per_second, workers, name)
    log_to_stderr()
    try:
        service.keys()
        decider = service.decider()
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    state = decider.state
    why = f"; {state['why_not']}" if state["why_not"] else ""
    click.echo(f"http://{host}:{port} decides with {state['policy_version']}, since "
               f"{state['since']}{why}", err=True)
    run(service, host, port, decider)


if __name__ == "__main__":
    main()
