"""The service as one process, or as several that share a port."""

import gc
import json
import logging
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import uvicorn

from offer_ai.base import declarations
from offer_ai.base.actions import Actions
from offer_ai.features.request_time import RequestFeatures
from offer_ai.learning.candidates import file_of
from offer_ai.serving.app import create_app
from offer_ai.serving.bounds import Bounds, Keys
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.logged_fields import check_fields
from offer_ai.serving.reloading import ReloadingCandidates

FOR_WORKERS = "OFFER_AI_SERVICE"  # what the processes are told, in the environment
LAST_SECONDS = 10  # for requests that run when the service is told to stop
SWITCH = 0.0005  # seconds that a thread may run while another one waits
SLOWEST_START = 60  # seconds until a process that says nothing is taken for hung


@dataclass(frozen=True)
class Service:
    """What a service serves from; its paths and URL are those of scripts/serve.py."""

    models: str
    store: str
    events: str
    rotate_seconds: float = 10.0
    is_apprentice: bool = False
    per_second: float | None = None
    workers: int = 1
    decision_point: str | None = None  # the first that is declared

    def decider(self) -> Decider:
        """Raises ValueError and ClickException where what is declared cannot be used."""
        point = declarations.decision_point(self.decision_point)
        actions = Actions.declared(point)
        check_fields(point, actions, RequestFeatures(point))
        # Each process counts the offers that it makes, so a cap holds within one alone.
        candidates = ReloadingCandidates(file_of(point), self.workers == 1, actions)
        return Decider(Path(self.models), self.store,
                       DecisionLog(Path(self.events), self.rotate_seconds), self.is_apprentice,
                       candidates=candidates, point=point)

    def keys(self) -> Keys:
        """Those of OFFER_AI_API_KEY; a process has its part of what they may ask."""
        return Keys(os.environ.get("OFFER_AI_API_KEY"),
                    self.per_second and self.per_second / self.workers)


def run(service: Service, host: str, port: int, decider: Decider) -> None:
    """Serves until it is told to stop; `decider` is what one process alone serves with."""
    options = {"host": host, "port": port, "log_level": "warning", "access_log": False,
               "server_header": False, "timeout_graceful_shutdown": LAST_SECONDS}
    if service.workers == 1:
        uvicorn.run(app_of(decider, service), **options)
        return
    decider.log.close()
    with tempfile.TemporaryDirectory() as figures:
        os.environ[FOR_WORKERS] = json.dumps(asdict(service))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures
        uvicorn.run("offer_ai.serving.running:worker", factory=True, workers=service.workers,
                    timeout_worker_healthcheck=SLOWEST_START, **options)


def app_of(decider: Decider, service: Service) -> Bounds:
    app = create_app(decider, service.keys())
    # A thread that reads a model or closes a file gives way to requests ten times sooner.
    sys.setswitchinterval(SWITCH)
    # What is loaded by now stays: a search of it for garbage would hold requests up.
    gc.freeze()
    return app


def worker() -> Bounds:
    """The service in one of several processes; uvicorn starts each, and again when it dies."""
    log_to_stderr()
    service = Service(**json.loads(os.environ[FOR_WORKERS]))
    return app_of(service.decider(), service)


def log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("offer_ai").setLevel(logging.INFO)
