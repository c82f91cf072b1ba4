# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the real program on each engine, and people who talk to it."""

import itertools
import os
import signal

import pytest

from mtp_client import Client, Person
from server_process import BINARY, PostgresDatabase, Server

_numbers = itertools.count(1)


def pytest_sessionstart(session):
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"There is no program at {BINARY}. Build it with 'swift build --product manage'.", returncode=69)
    # A run that is told to end stops its servers on the way out.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    # A shell starts what runs in the background with Ctrl-C ignored, which each program of a test would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database(request):
    """None for SQLite (the server makes its own file), else a PostgreSQL database of its own."""
    if request.param == "sqlite":
        yield None
        return
    if "PARLEY_TEST_POSTGRES" not in os.environ:
        pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    yield database
    database.drop()


@pytest.fixture(scope="session")
def server(database, tmp_path_factory):
    """The server that most tests share; they keep apart by people and flows of their own."""
    server = Server(tmp_path_factory.mktemp("server"), database)
    if database:
        server.prepare_database()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start_server(tmp_path):
    """Starts a server with settings of its own, on an SQLite database of its own."""
    servers = []

    def start(**settings):
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(Server(folder, **settings))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def register():
    """Registers people whose logins nobody else has; their connections close with the test."""
    people = []

    def make(server, name="person", login=None, password="a password", **members):
        people.append(Person(server, login or f"{name}-{next(_numbers)}", password, **members))
        return people[-1]

    yield make
    for person in people:
        person.client.close()


@pytest.fixture
def connection(server):
    """A connection that nobody has logged in on."""
    client = Client(server.url)
    yield client
    client.close()


@pytest.fixture
def alice(server, register):
    return register(server, "alice")


@pytest.fixture
def bob(server, register):
    return register(server, "bob")


@pytest.fixture
def carol(server, register):
    return register(server, "carol")
