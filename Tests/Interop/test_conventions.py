# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What people expect of every command line: short flags, no questions on request, names as consent, colours, times."""

import json
import re

import pexpect
import pytest

from server_process import BINARY, Server

PASSWORD = "a long password"
WRONG_USE = 64
QUESTION = r"\[y/N\] ?$|[Pp]assword[^\n]*: ?$"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    server.prepare_database()
    for login in ("alice", "bob"):
        done = server.manage("user", "create", "--login", login, "--password-stdin", stdin=PASSWORD + "\n")
        assert done.returncode == 0, done.stderr
    return server


def at_terminal(server, *words):
    """What a command says at a terminal until it asks or ends, whether it asked, and its status."""
    child = pexpect.spawn(
        BINARY, [*words], cwd=str(server.folder), env=server.environment | {"TERM": "xterm"}, timeout=60, encoding="utf-8")
    asked = child.expect([pexpect.EOF, QUESTION]) == 1
    shown = child.before
    if asked:
        child.sendintr()
        child.expect(pexpect.EOF)
    child.close()
    return shown, asked, child.exitstatus


def logins(server):
    return {user["login"] for user in json.loads(server.manage("user", "list", "--json").stdout)["users"]}


@pytest.mark.parametrize("words", [
    ("user", "delete", "alice"), ("db", "delete"), ("user", "set-password", "alice"), ("superuser-create", "--username", "root"),
])
def test_nothing_is_asked_when_that_is_not_wanted(server, words):
    assert at_terminal(server, *words)[1]
    for command in ((*words, "--no-input"), ("--no-input", *words)):
        shown, asked, status = at_terminal(server, *command)
        assert (asked, status) == (False, WRONG_USE), shown
        assert re.search(r"--yes|--password-(stdin|file)", shown), shown
    assert logins(server) == {"alice", "bob"}


def test_deletion_takes_the_name_as_consent_and_no_other(server):
    other = server.manage("user", "delete", "alice", "--confirm", "bob")
    assert other.returncode == WRONG_USE
    assert "--confirm says 'bob', and this is about 'alice'" in other.stderr
    assert server.manage("user", "delete", "alice", "--erase", "--confirm", "").returncode == WRONG_USE
    assert server.manage("db", "delete", "--confirm", "chat.db").returncode == WRONG_USE
    assert logins(server) == {"alice", "bob"}

    group = server.manage("flow", "create", "--login", "bob", "--type", "group", "--title", "Old", "--json")
    assert group.returncode == 0, group.stderr
    assert server.manage("flow", "delete", "Old", "--confirm", "New").returncode == WRONG_USE
    assert server.manage("flow", "delete", "Old", "--confirm", "Old").returncode == 0
    server.manage("user", "create", "--login", "carol", "--password-stdin", stdin=PASSWORD + "\n")
    done = server.manage("user", "delete", "carol", "--erase", "--confirm", "carol")
    assert done.returncode == 0, done.stderr
    assert logins(server) == {"alice", "bob"}


def test_the_settings_file_has_a_short_option_in_both_places(server, tmp_path):
    other = tmp_path / "other.ini"
    other.write_text("[SERVER]\nNAME = Other\n", encoding="utf-8")
    for words in (["-c", str(other), "config", "get", "SERVER.NAME"], ["config", "get", "SERVER.NAME", "-c", str(other)]):
        assert at_terminal(server, *words)[0].strip() == "Other"
    assert at_terminal(server, "-c")[2] == WRONG_USE


@pytest.mark.parametrize("variables, is_coloured", [
    ({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "0"}, False), ({"FORCE_COLOR": ""}, False),
    ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
])
def test_colours_in_a_pipe_are_those_asked_for(server, monkeypatch, variables, is_coloured):
    monkeypatch.setattr(server, "environment", server.environment | variables)
    done = server.manage("config", "show")
    assert done.returncode == 0, done.stderr
    assert ("\x1b[" in done.stdout) == is_coloured


def test_dry_runs_have_their_short_flag_everywhere(server):
    table = "login\nnewcomer\n"
    done = server.manage("import", "csv", "-", "-n", "--json", stdin=table)
    assert done.returncode == 0 and json.loads(done.stdout)["is_dry_run"]
    assert "newcomer" not in logins(server)


def test_module_and_level_in_one_word_are_told_apart(server):
    done = server.manage("log", "level", "Transport=debug")
    assert done.returncode == WRONG_USE
    assert "'manage log level Transport debug'" in done.stderr


def test_the_log_is_shown_since_a_time(server):
    everything = server.manage("tail", "--since", "1h", "--once", "--json").stdout.splitlines()
    assert len(everything) > 2
    times = [json.loads(line)["time"] for line in everything]
    assert server.manage("tail", "--since", "2200-01-01", "--once", "--json").stdout == ""
    assert server.manage("tail", "--since", "1970-01-01", "--last", "1", "--once", "--json").stdout.splitlines() == everything
    later = server.manage("tail", "--since", times[-1].split(".")[0] + "Z", "--once", "--json").stdout.splitlines()
    assert later == [line for line in everything if json.loads(line)["time"] >= times[-1].split(".")[0]]
    assert server.manage("tail", "--since", "yesterday-ish").returncode == WRONG_USE
