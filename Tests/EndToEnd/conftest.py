"""One server for each isolation level, shared by all tests, checked for traces when it is gone."""

import os
import uuid

import pytest

from support.server import Server

from support.machines import in_software

LEVELS = os.environ.get("CLOISTER_TEST_LEVELS", "container,gvisor").split(",")
if "microvm" in LEVELS:
    # The server's and the command line's own switch; with CLOISTER_MICROVM_ACCELERATOR=kvm everything runs.
    os.environ.setdefault("CLOISTER_MICROVM_ACCELERATOR", "tcg")


def pytest_collection_modifyitems(config, items):
    """Machines in software compute some twenty times slower: of the suite they run what concerns the level."""
    if LEVELS != ["microvm"] or os.environ["CLOISTER_MICROVM_ACCELERATOR"] != "tcg":
        return
    chosen = [item for item in items if in_software(item.name)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture(scope="session", params=LEVELS)
def level(request):
    return request.param


@pytest.fixture(scope="session")
def server(level):
    server = Server(level)
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@pytest.fixture(autouse=True)
def look_for_traces(request):
    yield
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        server.traces.look(server.process.pid)
        assert server.process.poll() is None, f"the server died:\n{server.log()[-4000:]}"


@pytest.fixture(scope="module")
def probe(server):
    """A plain function that does what its event says (functions/probe)."""
    yield from _function(server, "probe", "probe")


@pytest.fixture(scope="module")
def tenant_probe(server):
    """The same code for a function with tenant isolation."""
    yield from _function(server, "tenant-probe", "probe", tenants=True)


def _function(server, prefix, code, **settings):
    name = f"{prefix}-{uuid.uuid4().hex[:8]}"
    server.create(name, code, **settings)
    yield name
    server.delete(name)


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make(server):
    """Creates functions that end with the test."""
    made = []

    def make(code, name=None, **settings):
        name = name or f"t-{uuid.uuid4().hex[:12]}"
        made.append(name)
        server.create(name, code, **settings)
        return name

    yield make
    for name in made:
        try:
            server.delete(name)
        except server.lambda_.exceptions.ResourceNotFoundException:
            pass
