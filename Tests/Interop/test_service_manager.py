# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What the server tells systemd, heard by a socket of the test's own in the place of systemd's."""

import contextlib
import queue
import secrets
import signal
import socket
import threading
import time

import pytest

from mtp_client import Client
from server_process import STOP_SECONDS, Server
from test_supervision import silent_client

SECONDS = 60


class Listener:
    """A bound socket that is read at once, as systemd does: the kernel keeps ten messages, and what follows is lost."""

    def __init__(self, name):
        self._messages = queue.Queue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name.replace("@", "\0", 1))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):
            while message := self._socket.recv(4096):
                self._messages.put(message.decode().split("\n"))

    def lines(self):
        """Those of the next message."""
        return self._messages.get(timeout=SECONDS)

    def close(self):
        # An empty message ends the thread, which waits in the kernel.
        with self._socket, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self._socket.getsockname())


@pytest.fixture(params=["file", "abstract"])
def notices(request, tmp_path):
    """A listener and its name as systemd puts it into the environment."""
    name = f"@parley-test-{secrets.token_hex(8)}" if request.param == "abstract" else str(tmp_path / "notify")
    with contextlib.closing(Listener(name)) as listener:
        yield listener, name


def started(folder, name, **environment):
    server = Server(folder)
    server.environment |= {"NOTIFY_SOCKET": name} | environment
    return server.start()


def next_with(listener, assignment):
    """The lines of the next message that has this one; what came before it is let pass."""
    while True:
        lines = listener.lines()
        if assignment in lines:
            return lines


def until(listener, assignment):
    """All messages up to the first with this line."""
    messages = []
    while not messages or assignment not in messages[-1]:
        messages.append(listener.lines())
    return messages


def test_the_server_says_when_it_is_ready_and_when_it_stops(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name)
    until(listener, "READY=1")
    # Clients find it from then on.
    Client(server.url).close()
    server.stop()
    assert "STATUS=Stopping" in next_with(listener, "STOPPING=1")


def test_a_reload_is_told_from_its_begin_to_its_end(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name)
    until(listener, "READY=1")
    for settings in ("[SERVER]\nNAME = New\n", "[SERVER]\nNAME = Wrong\n[SESSION]\nTOKEN_TTL = soon\n"):
        (tmp_path / "config.ini").write_text(settings, encoding="utf-8")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        server.process.send_signal(signal.SIGHUP)
        lines = next_with(listener, "RELOADING=1")
        told = [int(line.partition("=")[2]) for line in lines if line.startswith("MONOTONIC_USEC=")]
        assert len(told) == 1 and before <= told[0] <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        # Refused or not, the server goes on.
        next_with(listener, "READY=1")
    server.stop()


def test_a_refused_reload_stays_in_the_status_until_the_next(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name, WATCHDOG_USEC="200000")
    until(listener, "READY=1")
    refused = "STATUS=Connections: 0; the last reload was refused, see the log"
    for settings, status in (("[SESSION]\nTOKEN_TTL = soon\n", refused), ("", "STATUS=Connections: 0")):
        (tmp_path / "config.ini").write_text(settings, encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        next_with(listener, "RELOADING=1")
        next_with(listener, "READY=1")
        for _ in range(2):
            assert status in next_with(listener, "WATCHDOG=1")
    server.stop()


def test_a_migration_is_in_the_status_and_asks_for_time(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name)
    lines = sum(until(listener, "READY=1"), [])
    steps = [line for line in lines if line.startswith("STATUS=Migrating the database: ")]
    count = len(steps)
    assert count > 1
    for place, step in enumerate(steps, 1):
        assert step.startswith(f"STATUS=Migrating the database: {place} of {count} (0")
    assert lines.index("EXTEND_TIMEOUT_USEC=60000000") < lines.index("READY=1")
    server.stop()
    # The second start has nothing to migrate, so it is bound by the usual time.
    server.start()
    assert not [line for line in sum(until(listener, "READY=1"), []) if "Migrating" in line or "EXTEND" in line]
    server.stop()


def test_the_status_counts_the_connections_that_a_stop_waits_for(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name)
    until(listener, "READY=1")
    with silent_client(server):
        server.process.send_signal(signal.SIGTERM)
        next_with(listener, "STATUS=Stopping. Connections left: 1")
    assert server.process.wait(STOP_SECONDS) == 0


def test_a_drained_server_says_so_in_its_status(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name, WATCHDOG_USEC="200000", PARLEY_CLUSTER_NODE="alpha")
    until(listener, "READY=1")
    assert server.manage("node", "drain", "alpha").returncode == 0
    next_with(listener, "STATUS=Draining. Connections: 0")
    assert server.manage("node", "resume", "alpha").returncode == 0
    next_with(listener, "STATUS=Connections: 0")
    server.stop()


def test_signs_of_life_come_twice_in_an_interval(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name, WATCHDOG_USEC="2000000")
    until(listener, "READY=1")
    times = []
    for _ in range(5):
        next_with(listener, "WATCHDOG=1")
        times.append(time.monotonic())
    # A machine under load makes some later, never all of them sooner.
    assert min(after - before for before, after in zip(times, times[1:])) < 1.6
    server.stop()


def test_signs_of_life_come_and_name_the_connections(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name, WATCHDOG_USEC="200000")
    until(listener, "READY=1")
    with contextlib.closing(Client(server.url)):
        assert "WATCHDOG=1" in next_with(listener, "STATUS=Connections: 1")
    next_with(listener, "STATUS=Connections: 0")
    server.stop()


def test_a_server_whose_manager_is_gone_runs_all_the_same(tmp_path):
    server = started(tmp_path, str(tmp_path / "nobody"), WATCHDOG_USEC="200000")
    Client(server.url).close()
    server.stop()


def test_the_watchdog_of_another_process_is_not_ours(notices, tmp_path):
    listener, name = notices
    server = started(tmp_path, name, WATCHDOG_USEC="1", WATCHDOG_PID="1")
    until(listener, "READY=1")
    # At an interval of half a microsecond the queue would be full of signs of life; at the status's there is room.
    server.stop()
    assert len(until(listener, "STOPPING=1")) < 20
