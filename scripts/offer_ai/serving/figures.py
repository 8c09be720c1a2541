"""What the service counts, for Prometheus."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


class Figures:
    """Decisions (by policy and by the first column of the `action`), requests by key, refusals,
    seconds; with several workers, those of all."""

    def __init__(self, action: str = "offer_type"):
        self.registry = CollectorRegistry()
        self.decisions = Counter("offer_ai_decisions", "Decisions made.",
                                 ["policy_version", action], registry=self.registry)
        self.requests = Counter("offer_ai_requests", "Requests to decide, by whose key.",
                                ["key"], registry=self.registry)
        self.refused = Counter("offer_ai_refused", "Requests refused.", ["status"],
                               registry=self.registry)
        self.seconds = Histogram(
            "offer_ai_decision_seconds", "Seconds of a decision.", registry=self.registry,
            buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1))

    def text(self) -> bytes:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)
        return generate_latest(of_all)
