# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What is in a support bundle, and what is not."""

import json
import os
import stat
import tarfile

import pytest

from server_process import PostgresDatabase, Server

TEXT = "a text between two people"
PASSWORD = "a password of alice"
SETTINGS_SECRET = "a secret of the settings"


def contents(path):
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


def test_bundle_has_everything_but_secrets(start_server, register):
    server = start_server(SUPERUSER_PASSWORD=SETTINGS_SECRET, LOGGING_LEVEL="10")
    alice = register(server, "alice", password=PASSWORD)
    alice.say(alice.make_flow(), TEXT)
    refused = register(server, "bob").client.request(
        "authentication", {"user": [{"login": alice.login, "password": "a wrong password"}]})
    assert refused.code == 401
    path = server.folder / "support.tar.gz"

    done = server.manage("doctor", "--bundle", str(path), "--json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    files = contents(path)
    assert {member["name"]: member["bytes"] for member in report["members"]} == {
        name: len(data) for name, data in files.items()}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert set(files) | set(report["missing"]) >= {
        "about.json", "doctor.json", "settings.json", "database.json", "tables.json", "nodes.json", "metrics.txt",
        "messages.jsonl", "log/error.log", "log/debug.log"}
    assert {"settings.json", "database.json", "tables.json", "nodes.json", "metrics.txt", "messages.jsonl"} <= set(files)
    assert json.loads(files["about.json"])["version"] in server.manage("--version").stdout
    assert json.loads(files["doctor.json"])["problems"] == report["problems"]
    assert json.loads(files["database.json"])["pending"] == []
    assert b"parley_requests_total{" in files["metrics.txt"]
    assert b"The server is running" in files["messages.jsonl"]
    assert sum(len(files.get(name, b"")) for name in ("log/error.log", "log/debug.log")) <= 2 << 20
    everything = b"\n".join(files.values())
    secrets = [TEXT, PASSWORD, "a wrong password", SETTINGS_SECRET, alice.auth_id]
    secrets += [line for path in server.folder.glob("*.key") for line in path.read_text().split() if len(line) > 16]
    for secret in secrets:
        assert secret.encode() not in everything, secret

    shown = server.manage("doctor", "--read", str(path), "--json")
    assert shown.returncode == (3 if report["problems"] else 0), shown.stderr
    read = json.loads(shown.stdout)
    assert read["checks"] == json.loads(files["doctor.json"])["checks"]
    assert read["bundle"]["database"]["counts"] == json.loads(files["database.json"])["counts"]
    assert len(read["bundle"]["nodes"]) == 1

    again = server.manage("doctor", "--bundle", str(path))
    assert again.returncode == 7 and "exists" in again.stderr
    assert contents(path) == files


def test_bundle_without_a_server_says_what_is_missing(start_server):
    server = start_server()
    server.stop()
    path = server.folder / "support.tar.gz"

    done = server.manage("doctor", "--bundle", str(path))

    assert done.returncode == 0, done.stderr
    about = json.loads(contents(path)["about.json"])
    assert about["missing"]["metrics.txt"] == "No server is running."
    assert "database.json" in done.stdout and "No server is running." in done.stdout


def test_password_of_the_database_is_not_in_the_bundle(tmp_path):
    if "PARLEY_TEST_POSTGRES" not in os.environ:
        pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    server = Server(tmp_path, database)
    # Nobody listens there, so that the password is also in what the failure is about.
    server.environment["PARLEY_DATABASE_URI"] = "postgresql://somebody:a-database-password@127.0.0.1:1/nothing"
    try:
        path = server.folder / "support.tar.gz"
        done = server.manage("doctor", "--bundle", str(path), "--timeout", "1")

        assert done.returncode == 0, done.stderr
        files = contents(path)
        assert "database.json" in json.loads(files["about.json"])["missing"]
        assert b"a-database-password" not in b"".join(files.values()) + done.stdout.encode() + done.stderr.encode()
    finally:
        database.drop()
