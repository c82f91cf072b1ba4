# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""A database that an older version left: after `manage db migrate` all that was there is there, and goes on."""

import base64
import contextlib
import os

import pytest

import old_database
from old_database import Member
from server_process import PostgresDatabase, Server


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_an_older_version_left_is_there(engine, tmp_path):
    with contextlib.ExitStack() as exits:
        database = None
        if engine == "postgres":
            if "PARLEY_TEST_POSTGRES" not in os.environ:
                pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
            database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
            exits.callback(database.drop)
        server = Server(tmp_path, database)
        exits.callback(server.stop)

        def manage(*words):
            done = server.manage(*words, "--quiet")
            assert done.returncode == 0, done.stderr
            return done.stdout

        migrations = "0007_heads, 0008_audit, 0009_search, 0010_passwords, 0011_announcements, 0012_modes"
        assert migrations in old_database.fill(server, database)
        manage("db", "check")
        server.start()
        anna = Member(server, "anna")
        exits.callback(anna.client.close)

        # The group, the channel, and the chat of two.
        assert set(anna.flows) == {"Friends", "News", ""}
        friends = anna.read("Friends")
        assert friends.texts == ["before the migration", "a typo", "Message deleted", "a file of then"], friends
        assert base64.b64decode(friends.messages[3]["file_document"]) == b"words in a file"
        assert anna.read("").texts == ["just between us"]
        anna.say("News", "news of now")
        assert anna.read("News").texts == ["news of then", "news of now"]

        found = manage("message", "search", "news")
        assert "news of then" in found and "news of now" in found
        assert "before the migration" in manage("message", "search", "migration")
        manage("db", "check")
