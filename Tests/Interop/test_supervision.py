# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What supervisors see: probes while the server stops or its database is away, the journal, secrets from files."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from server_process import BINARY, START_SECONDS, STOP_SECONDS, PostgresDatabase, Server

SECONDS = 60


def probe(url):
    """Status and JSON of a probe."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def until(condition):
    """Asks again until it holds; the longest time is for machines that are slow."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def metrics_address(server):
    """Where the server's log says that it serves scrapers."""
    text = (server.folder / "stderr.txt").read_text(encoding="utf-8")
    return re.search(r"address=\"?(http://[\d.:]+)/metrics", text)[1]


@contextlib.contextmanager
def silent_client(server):
    """A WebSocket that never reads, so it does not answer the close frame that a stop waits for."""
    place = urllib.parse.urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=SECONDS) as client:
        client.sendall(
            f"GET {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 101")
        yield client


class Relay:
    """Stands between the server and PostgreSQL until it is cut."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                ends = [self.listener.accept()[0], socket.create_connection(self.target)]
                self.sockets += ends
                for source, sink in (ends, ends[::-1]):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Ends every connection and takes no more."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_health_answers_as_readyz_and_version_names_the_program(start_server):
    server = start_server()
    for base in (server.http_url, metrics_address(server)):
        assert probe(base + "/health") == probe(base + "/readyz")
        status, answer = probe(base + "/version")
        assert status == 200 and set(answer) == {"name", "version"} and answer["name"] == "Parley"
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout
    assert answer["version"] in version


def test_a_server_that_stops_is_not_ready(tmp_path):
    server = Server(tmp_path).start()
    base = metrics_address(server)
    assert probe(base + "/readyz")[0] == 200
    with silent_client(server):
        server.process.send_signal(signal.SIGTERM)
        until(lambda: probe(base + "/readyz")[0] == 503)
        assert probe(base + "/readyz")[1]["failed"] == ["draining"]
        assert probe(base + "/livez")[0] == 200
    # A second signal would not wait for what is left.
    assert server.process.wait(STOP_SECONDS) == 0


@pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="needs PostgreSQL")
def test_a_server_without_its_database_is_not_ready(tmp_path):
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    direct = Server(tmp_path, database)
    direct.prepare_database()
    relay = Relay(database.parts.hostname, database.parts.port or 5432)
    user, at, _ = database.parts.netloc.rpartition("@")
    database.parts = database.parts._replace(netloc=f"{user}{at}127.0.0.1:{relay.port}")
    server = Server(tmp_path, database).start()
    try:
        assert probe(server.http_url + "/readyz")[0] == 200
        relay.cut()
        until(lambda: probe(server.http_url + "/readyz")[0] == 503)
        assert probe(server.http_url + "/readyz")[1]["failed"] == ["database"]
        assert probe(server.http_url + "/health")[0] == 503
        assert probe(server.http_url + "/livez")[0] == 200
    finally:
        server.kill()
        direct_parts = urllib.parse.urlsplit(os.environ["PARLEY_TEST_POSTGRES"])
        database.parts = direct_parts
        database.drop()


def test_lines_for_the_journal_have_their_priority(tmp_path):
    server = Server(tmp_path)
    errors = tmp_path / "stderr.txt"
    errors.touch()
    status = errors.stat()
    server.environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
    server.start()
    (tmp_path / "config.ini").write_text("[SESSION]\nTOKEN_TTL = soon\n", encoding="utf-8")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: re.search(r"^<3>.*TOKEN_TTL", errors.read_text(encoding="utf-8"), re.MULTILINE))
    server.stop()
    lines = errors.read_text(encoding="utf-8").splitlines()
    assert lines and all(re.match(r"<[2-7]>[^<]", line) for line in lines)
    assert any(line.startswith("<6>") for line in lines)

    # A start that fails has no log yet.
    with errors.open("a", encoding="utf-8") as stream:
        failed = subprocess.run(
            [BINARY, "runserver", "--config", str(server.config)], cwd=tmp_path, env=server.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream, timeout=START_SECONDS, check=False)
    assert failed.returncode == 78
    last = errors.read_text(encoding="utf-8").splitlines()[len(lines):]
    assert last and all(line.startswith("<3>") for line in last)


def test_another_stream_gets_no_priorities(tmp_path):
    server = Server(tmp_path)
    server.environment["JOURNAL_STREAM"] = "1:1"
    server.start()
    server.stop()
    assert not re.search(r"^<\d>", (tmp_path / "stderr.txt").read_text(encoding="utf-8"), re.MULTILINE)


def test_a_line_of_logfmt_is_pairs(tmp_path):
    server = Server(tmp_path, LOGGING_FORMAT="logfmt", SERVER_NAME='a "b" \\c')
    server.start()
    (tmp_path / "config.ini").write_text("[SERVER]\nHOST = ::1 \"=\"\n", encoding="utf-8")
    server.process.send_signal(signal.SIGHUP)
    errors = tmp_path / "stderr.txt"
    until(lambda: "level=ERROR" in errors.read_text(encoding="utf-8"))
    server.stop()
    lines = errors.read_text(encoding="utf-8").splitlines()
    pair = re.compile(r' ?([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s="]*)')
    for line in lines:
        pairs = pair.findall(line)
        assert "".join(match[0] for match in pair.finditer(line)) and pair.sub("", line) == "", line
        assert [key for key, _ in pairs][:7] == ["time", "level", "logger", "module", "function", "line", "message"]
    refused = next(line for line in lines if "level=ERROR" in line)
    assert 'message="The settings were refused; the old ones stay in force" error="' in refused


def test_a_secret_comes_from_a_file(tmp_path):
    server = Server(tmp_path)
    uri = server.environment.pop("PARLEY_DATABASE_URI")
    server.environment["PARLEY_DATABASE_URI_FILE"] = str(tmp_path / "uri")
    missing = server.manage("db", "status")
    assert missing.returncode == 78
    assert "PARLEY_DATABASE_URI_FILE" in missing.stderr and "No such file" in missing.stderr

    (tmp_path / "uri").write_text(uri + "\n", encoding="utf-8")
    server.start()
    assert (tmp_path / "chat.db").exists()
    server.stop()
    server.environment["PARLEY_DATABASE_URI"] = uri
    both = server.manage("db", "status")
    assert both.returncode == 78 and "both set" in both.stderr


def test_ping_waits_for_a_server(tmp_path):
    server = Server(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ping = subprocess.Popen(
            [BINARY, "testclient", "ping", "-a", f"ws://127.0.0.1:{port}/ws", "--wait", "300"],
            cwd=tmp_path, env=server.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Nothing that speaks MTP answers its first attempt.
        listener.accept()[0].close()
    server.environment["PARLEY_SERVER_PORT"] = str(port)
    server.start()
    output, errors = ping.communicate(timeout=300)
    assert ping.returncode == 0, errors
    assert output.startswith("A server answers at ws://127.0.0.1:")
    server.stop()
    gone = server.manage("testclient", "ping", "-a", f"ws://127.0.0.1:{port}/ws", "--wait", "1")
    assert gone.returncode == 69


def scraped(server):
    """The samples of a scrape by name with labels."""
    with urllib.request.urlopen(metrics_address(server) + "/metrics", timeout=SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_reloads_and_the_newest_backup_are_measured(tmp_path):
    server = Server(tmp_path, BACKUP_SCHEDULE="every 6h")
    begin = time.time()
    server.start()
    first = scraped(server)
    assert first['parley_reloads_total{outcome="applied"}'] == 0
    assert first['parley_reloads_total{outcome="refused"}'] == 0
    config = tmp_path / "config.ini"
    config.write_text("[SESSION]\nTOKEN_TTL = soon\n", encoding="utf-8")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: scraped(server)['parley_reloads_total{outcome="refused"}'] == 1)
    for name in ("New", "Newer"):
        config.write_text(f"[SERVER]\nNAME = {name}\n", encoding="utf-8")
        assert server.manage("reload").returncode == 0
    assert server.manage("db", "backup").returncode == 0
    backup, = (tmp_path / "backup").iterdir()

    later = scraped(server)

    assert later['parley_reloads_total{outcome="applied"}'] == 2
    assert later['parley_reloads_total{outcome="refused"}'] == 1
    success = "parley_reload_success_timestamp_seconds"
    assert int(begin) <= first[success] < later[success] <= time.time()
    assert int(begin) <= later["parley_backup_timestamp_seconds"] <= time.time()
    assert later["parley_backup_size_bytes"] == backup.stat().st_size
    server.stop()
