# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Moving in: what other servers have kept is here afterwards, with passwords that work, and comes once only."""

import contextlib
import json
import os
import sqlite3

import pytest
import rsa

import fastchat_client
import messenger_client
from mtp_client import Client
from reference_servers import make_fastchat, make_messenger, make_morelia, sqlobject_uri
from server_process import PostgresDatabase

PASSWORD = "an old password"
SKIPPED = 5
PICTURE = [0xFF, 0xD8, 0, 1, 2]

WORLD = {
    "users": [
        {"uuid": "111", "login": "alice", "password": PASSWORD, "username": "Alice", "email": "alice@example.org"},
        {"uuid": "222", "login": "bob", "password": PASSWORD, "email": "no address", "is_bot": True},
        {"uuid": "223", "login": "bob", "password": PASSWORD},
        {"uuid": "333", "login": "User deleted", "password": PASSWORD},
        {"uuid": "334", "login": "from-the-command-line", "password": PASSWORD, "keeps_salt": False},
    ],
    "flows": [
        {"uuid": "900", "time_created": 1_600_000_000, "flow_type": "group", "title": "Team", "info": "Old", "owner": "111",
         "members": ["alice", "User deleted"]},
        {"uuid": "901", "time_created": 1_600_000_001, "flow_type": "chat", "title": "Two", "info": "", "owner": "alice",
         "members": ["alice", "from-the-command-line"]},
        {"uuid": "902", "time_created": 1_600_000_002, "flow_type": "forum", "title": "Odd", "info": "", "owner": "",
         "members": []},
        {"uuid": "903", "time_created": 1_600_000_003, "flow_type": "group", "title": "Everybody", "info": "", "owner": "?",
         "members": []},
    ],
    "messages": [
        {"uuid": "70", "text": "the oldest", "time": 1_600_000_100, "author": "User deleted", "flow": "Team"},
        {"uuid": "71", "text": "with a picture", "time": 1_600_000_200, "author": "alice", "flow": "Team", "picture": PICTURE},
        {"uuid": "72", "text": "Message deleted", "time": 1_600_000_300, "author": "alice", "flow": "Team"},
        {"uuid": "73", "text": "changed", "time": 1_600_000_400, "author": "alice", "flow": "Team", "edited_status": True,
         "edited_time": 1_600_000_500},
        {"uuid": "74", "text": "to all", "time": 1_600_000_450, "author": "alice", "flow": "Everybody"},
        {"uuid": "75", "text": "nowhere", "time": 1_600_000_600, "author": "alice", "flow": "Odd"},
    ],
    "admins": ["root"],
}


def run_import(server, *words, stdin=None):
    """The report of an import as JSON, and its status."""
    done = server.manage("import", *words, "--json", stdin=stdin)
    assert done.returncode in (0, SKIPPED), done.stderr
    return json.loads(done.stdout), done.returncode


def kept_hash(server, login):
    with contextlib.closing(sqlite3.connect(f"file:{server.folder / 'chat.db'}?mode=ro", uri=True)) as database:
        return database.execute("SELECT hash_password FROM users WHERE login = ?", (login,)).fetchone()[0]


def counts(report):
    return {part["name"]: (part["taken"], part["existing"], part["skipped"]) for part in report["parts"]}


@pytest.fixture(params=["sqlite", "postgres"])
def morelia(request, tmp_path):
    """A MoreliaTalk database: what `import` is given, and what it reads from standard input."""
    if request.param == "sqlite":
        make_morelia(f"sqlite:{tmp_path / 'morelia.db'}", WORLD)
        yield str(tmp_path / "morelia.db"), None
        return
    if "PARLEY_TEST_POSTGRES" not in os.environ:
        pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    make_morelia(sqlobject_uri(database.uri), WORLD)
    yield "-", database.uri + "\n"
    database.drop()


def log_in(server, login, password=PASSWORD):
    client = Client(server.url)
    answer = client.request("authentication", {"user": [{"login": login, "password": password}]})
    assert answer.code == 200, answer
    user = answer.users[0]
    return client, {"uuid": user["uuid"], "auth_id": user["auth_id"]}


@pytest.mark.parametrize("runs", [True, False], ids=["beside a server", "without one"])
def test_morelia_moves_in_with_passwords_times_and_files(morelia, start_server, runs):
    source, stdin = morelia
    server = start_server()
    if not runs:
        server.stop()
    trial, status = run_import(server, "morelia", source, "--dry-run", stdin=stdin)
    assert status == SKIPPED and trial["is_dry_run"]
    assert json.loads(server.manage("user", "list", "--json").stdout)["users"] == []

    report, status = run_import(server, "morelia", source, stdin=stdin)

    assert status == SKIPPED
    assert counts(trial)["accounts"] == counts(report)["accounts"] == (4, 0, 1) and counts(report)["flows"] == (3, 0, 1)
    assert counts(report)["messages"] == (4, 0, 1) and counts(report)["administrators"] == (0, 0, 1)
    reasons = {remark["item"]: remark["reason"] for remark in report["skipped"]}
    assert "exists already" in reasons["user bob"] and "superuser-create" in reasons["administrator root"]
    assert PASSWORD not in json.dumps(report)
    again, _ = run_import(server, "morelia", source, stdin=stdin)
    assert counts(again)["accounts"] == (0, 4, 1) and counts(again)["messages"] == (0, 4, 1)
    assert counts(again)["flows"] == (0, 3, 1)

    if not runs:
        server.start()
    client, me = log_in(server, "alice")
    with contextlib.closing(client):
        assert me["uuid"] == "111"
        answer = client.request("all_messages", {"user": [me], "time": 0, "flow": [{"uuid": "900"}]})
        assert [(message["uuid"], message["text"], message["time"]) for message in answer.messages] == [
            ("70", "the oldest", 1_600_000_100), ("71", "with a picture", 1_600_000_200), ("73", "changed", 1_600_000_400),
        ]
        assert answer.messages[1]["file_picture"] == "/9gAAQI="
        flows = {flow["uuid"]: flow for flow in client.request("all_flow", {"user": [me]}).flows}
        assert flows["900"]["title"] == "Team" and flows["901"]["type"] == "chat"
        # What is said now comes after it, at the time of the clock.
        data = {"user": [me], "flow": [{"uuid": "900"}], "message": [{"client_id": 1, "text": "new"}]}
        assert client.request("send_message", data).code == 200
        newest = client.request("all_messages", {"user": [me], "time": 0, "flow": [{"uuid": "900"}]}).messages[-1]
        assert newest["text"] == "new" and newest["time"] > 1_700_000_000
    # The first login has made the hash one of this server's; the second one finds it. Who was away still has the old one.
    assert kept_hash(server, "alice").startswith("$argon2id$") and not kept_hash(server, "bob").startswith("$argon2id$")
    log_in(server, "alice")[0].close()


def test_messenger_moves_in_with_passwords_and_contacts(start_server, tmp_path):
    make_messenger(
        tmp_path / "messenger.db", [("ann", "ann@example.org", PASSWORD), ("ben", "", PASSWORD)],
        [("ann", "ben")])
    server = start_server()
    before = (tmp_path / "messenger.db").read_bytes()

    report, status = run_import(server, "messenger", str(tmp_path / "messenger.db"))

    assert status == 0 and counts(report)["accounts"] == (2, 0, 0), report
    again, _ = run_import(server, "messenger", str(tmp_path / "messenger.db"))
    assert counts(again)["accounts"] == (0, 2, 0)
    assert (tmp_path / "messenger.db").read_bytes() == before
    client = messenger_client.Client(server)
    with contextlib.closing(client):
        assert client.log_in("ann", PASSWORD).kind == "logged in"
        assert client.contacts() == [("ben", False)]


def test_fastchat_moves_in_with_numbers_keys_and_what_waits(start_server):
    if "PARLEY_TEST_POSTGRES" not in os.environ:
        pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    public_key, private_key = rsa.newkeys(1024)
    pem = public_key.save_pkcs1().decode()

    def sealed(text, **members):
        message, key = fastchat_client.encrypt(text, pem)
        return json.dumps({
            "type": "msg", "time": fastchat_client.TIME, "dest": 7, "from": 8, "message": message, "isgroup": 0,
            "response": 0, "key": key,
        } | members)

    make_fastchat(
        database.uri, users=[(7, PASSWORD, pem), (8, PASSWORD, pem), (9, PASSWORD, "no key")], groups=[(5, [7, 8, 9], 8)],
        messages=[(8, 7, "2020-01-02 03:04:05.678901", sealed("waits for you"))],
        group_messages=[
            (8, 5, "2020-01-02 03:04:06.1", sealed("to the group", isgroup=1, group=5, dest=number), number)
            for number in (7, 9)
        ])
    server = start_server(BALANCER_LISTEN="127.0.0.1:0")
    try:
        report, _ = run_import(server, "fastchat", "-", stdin=database.uri)
        assert counts(report)["accounts"] == (3, 0, 0) and counts(report)["messages"] == (2, 0, 0), report
        again, _ = run_import(server, "fastchat", "-", stdin=database.uri)
        assert counts(again)["messages"] == (0, 2, 0) and counts(again)["flows"][0] == 0
    finally:
        database.drop()
    host, port, sign = fastchat_client.ask_balancer(server.place_of("Balancer"))
    client = fastchat_client.Client((host, port))
    with contextlib.closing(client):
        assert client.log_in(7, PASSWORD, sign, (public_key, private_key))["response"] == 0
        assert client.messages(2) == [(8, None, "waits for you"), (8, 5, "to the group")]


def test_csv_makes_accounts_from_a_file_and_from_standard_input(start_server, tmp_path):
    server = start_server()
    table = 'login,password,username,email,bot\r\ndora,"a, ""quoted"" password",Dora,dora@example.org,no\r\nrobot,,,,yes\r\n'
    (tmp_path / "users.csv").write_text(table, encoding="utf-8", newline="")

    report, status = run_import(server, "csv", str(tmp_path / "users.csv"))

    assert status == 0 and counts(report) == {"accounts": (2, 0, 0)}
    assert [remark["item"] for remark in report["changed"]] == ["user robot"]
    again, _ = run_import(server, "csv", "-", stdin=table)
    assert counts(again) == {"accounts": (0, 2, 0)}
    log_in(server, "dora", 'a, "quoted" password')[0].close()
    wrong = server.manage("import", "csv", "-", stdin="name\nx\n")
    assert wrong.returncode == 64 and "columns" in wrong.stderr


def test_csv_is_tried_with_the_counts_of_the_real_run(start_server):
    server = start_server()
    rows = [f"person{number}" for number in range(700)]
    table = "login\n" + "\n".join([*rows, "PERSON0", "person1", " blank", " blank"]) + "\n"

    trial, _ = run_import(server, "csv", "-", "--dry-run", stdin=table)
    taken, _ = run_import(server, "csv", "-", stdin=table)

    # The same login again is the same account, in other letters it is another one of a login that is taken.
    assert counts(trial) == counts(taken) == {"accounts": (700, 1, 3)}
    assert {(skip["item"], skip["reason"]) for skip in trial["skipped"]} == {
        (skip["item"], skip["reason"]) for skip in taken["skipped"]}


def test_an_address_with_a_password_is_refused_on_the_command_line(start_server):
    server = start_server()
    refused = server.manage("import", "morelia", "postgres://u:secret@localhost/x")
    assert refused.returncode == 64 and "secret" not in refused.stderr
    missing = server.manage("import", "morelia", "no-such-file.db")
    assert missing.returncode == 6
