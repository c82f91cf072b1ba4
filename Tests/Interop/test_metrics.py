# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What Debian's Prometheus makes of /metrics, of the alert rules and of the board."""

import contextlib
import ipaddress
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from server_process import Server

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "parley.rules.yml"
BOARD = ROOT / "deploy" / "grafana-parley.json"
ALERTS = Path(__file__).with_name("alerts.test.yml")
START_SECONDS = 60
# The state of a socket in /proc/net/tcp.
LISTENING = "0A"
PROMTOOL = shutil.which("promtool")
PROMETHEUS = shutil.which("prometheus")

pytestmark = pytest.mark.skipif(
    PROMTOOL is None or PROMETHEUS is None, reason="prometheus is not installed; Scripts/install-packages does it"
)


def metrics_url(server):
    """Where the server says that its metrics are."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server.errors.flush()
        text = (server.folder / "stderr.txt").read_text(encoding="utf-8")
        if found := re.search(r"http://[^\s\"]+/metrics", text):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no metrics are served. {server.last_words()}")


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def promtool(*words, **options):
    return subprocess.run([PROMTOOL, *words], text=True, capture_output=True, timeout=120, check=False, **options)


def test_promtool_finds_nothing_to_complain_of_in_a_scrape(start_server, tmp_path):
    server = start_server()
    server.manage("user", "create", "--login", "alice", "--username", "Alice", "--password-stdin", stdin="a word\n")

    kind, text = get(metrics_url(server))
    done = promtool("check", "metrics", input=text)

    assert kind.startswith("text/plain; version=0.0.4")
    assert "parley_messages_total" in text
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rules_are_valid_and_each_alert_fires(tmp_path):
    checked = promtool("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stderr

    # A test would have to repeat the annotations word by word.
    rules = re.sub(r"\n +annotations:(\n {10}.*)+", "", RULES.read_text(encoding="utf-8"))
    (tmp_path / RULES.name).write_text(rules, encoding="utf-8")
    shutil.copy(ALERTS, tmp_path)
    tested = promtool("test", "rules", ALERTS.name, cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout + tested.stderr

    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8")))
    fired = re.findall(r"alertname: (\w+), exp_alerts", ALERTS.read_text(encoding="utf-8"))
    assert alerts == set(fired)


def listeners(process):
    """Address and port of everything that a process listens on, as /proc tells it."""
    sockets = set()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
                sockets.add(found[1])
    found = []
    for name, words in (("tcp", 1), ("tcp6", 4)):
        for line in Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in sockets:
                address, port = fields[1].split(":")
                data = struct.pack(f"={words}I", *(int(address[8 * word:8 * word + 8], 16) for word in range(words)))
                found.append((ipaddress.ip_address(data), int(port, 16)))
    return found


def test_metrics_are_served_to_this_machine_only_unless_asked(tmp_path):
    server = Server(tmp_path)
    del server.environment["PARLEY_METRICS_LISTEN"]
    server.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        # Where another program has the port there are none, and elsewhere neither.
        while not re.search("(Metrics|No metrics) are served", words := server.last_words()):
            assert time.monotonic() < deadline, words
            time.sleep(0.05)
        found = listeners(server.process)
        assert (ipaddress.ip_address("127.0.0.1"), 9464) in found or "No metrics are served" in words
        assert [str(address) for address, _ in found if not address.is_loopback] == []
    finally:
        server.stop()


def counted(server, name):
    _, text = get(metrics_url(server))
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[{{ ]", line))


def test_the_health_check_counts_neither_as_message_nor_as_session(start_server):
    server = start_server()
    names = ["parley_messages_total", "parley_sessions_connected_total"]
    for _ in range(2):
        done = server.manage("testclient", "send")
        assert done.returncode == 0, done.stderr
    assert [counted(server, name) for name in names] == [0, 0]

    for words in (
        ["user", "create", "--login", "alice", "--password-stdin"],
        ["flow", "create", "--login", "alice", "--type", "group", "--title", "News"],
        ["testclient", "send", "--login", "alice", "--password-stdin", "--flow", "News", "--text", "hello"],
    ):
        done = server.manage(*words, stdin="a password\n")
        assert done.returncode == 0, done.stderr
    messages, sessions = (counted(server, name) for name in names)
    assert messages == 1
    assert sessions > 0


def test_metrics_are_switched_off(start_server):
    on, off = start_server(), start_server(METRICS_ENABLED="off")
    assert get(metrics_url(on))[1]
    assert len(listeners(on.process)) == len(listeners(off.process)) + 1
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(off.http_url + "/metrics")
    assert refused.value.code == 404
    assert "etrics are served" not in off.last_words()


def board_queries():
    """The queries of the board, with Grafana's variables filled in."""
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [query.replace("$instance", ".*").replace("$__rate_interval", "1m") for query in queries]


def test_prometheus_scrapes_a_server_and_knows_every_query_of_the_board(start_server, tmp_path):
    server = start_server()
    place = urllib.parse.urlsplit(metrics_url(server)).netloc
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: [{RULES}]
scrape_configs:
  - job_name: parley
    static_configs: [{{targets: ["{place}"]}}]
""",
        encoding="utf-8",
    )
    log = open(tmp_path / "prometheus.log", "w+", encoding="utf-8")
    prometheus = subprocess.Popen(
        [
            PROMETHEUS, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=log, stderr=subprocess.STDOUT,
    )
    try:
        api = f"http://127.0.0.1:{port}/api/v1"

        def ask(query):
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    _, text = get(f"{api}/query?query={urllib.parse.quote(query)}")
                    if result := json.loads(text)["data"]["result"]:
                        return result
                except (ConnectionError, urllib.error.URLError):
                    pass
                log.seek(0)
                assert prometheus.poll() is None and time.monotonic() < deadline, f"{query}: {log.read()[-3000:]}"
                time.sleep(0.1)

        assert ask("up{job='parley'} == 1")
        assert ask("parley_build_info")[0]["metric"]["version"]
        # OpenMetrics was spoken: it tells the units.
        metadata = json.loads(get(f"{api}/metadata")[1])["data"]
        assert metadata["parley_commit_duration_seconds"][0]["unit"] == "seconds"
        assert metadata["parley_messages"][0]["type"] == "counter"
        # Of what a fresh server has not seen, and of backups that nobody set up, there are no samples.
        for query in board_queries():
            if not re.search("logins|registrations|backup|sessions_connected|parley_connections|parley_requests_", query):
                assert ask(query), query
            else:
                json.loads(get(f"{api}/query?query={urllib.parse.quote(query)}")[1])
    finally:
        prometheus.terminate()
        prometheus.wait(30)
        log.close()
