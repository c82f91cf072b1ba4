# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The longest text of each field that docs/protocols/mtp.md lists is taken as it is; one byte more is refused with 413.

A person would notice a limit that is off by one, or that counts letters: most texts here have letters of two bytes.
"""

import pytest


def text_of(count):
    return "é" * (count // 2) + "x" * (count % 2)


LONGEST_EMAIL = "e" * 64 + "@" + ".".join(["d" * 63] * 3 + ["d" * 61])
ACCOUNTS = [("login", text_of(255)), ("username", text_of(255)), ("password", text_of(4096)), ("email", LONGEST_EMAIL)]
FLOWS = [("title", text_of(1024)), ("info", text_of(16 * 1024))]
MESSAGES = [("text", text_of(64 * 1024)), ("emoji", text_of(16 * 1024))]


@pytest.mark.parametrize(("member", "longest"), ACCOUNTS, ids=lambda value: value[:20])
def test_the_longest_text_of_an_account(connection, member, longest):
    user = {"login": f"with-the-longest-{member}", "password": "a password", member: longest}

    longer = connection.request("register_user", {"user": [user | {member: longest + "x"}]})
    made = connection.request("register_user", {"user": [user]})
    back = connection.request("authentication", {"user": [{"login": user["login"], "password": user["password"]}]})

    assert (longer.type, longer.code) == ("register_user", 413), longer
    assert made.code == 201, made
    assert back.code == 200, back
    if member != "password":
        oneself = {"uuid": back.users[0]["uuid"], "auth_id": back.users[0]["auth_id"]}
        shown = connection.request("user_info", {"user": [oneself, {"uuid": oneself["uuid"]}]})
        assert shown.users[0][member] == longest


@pytest.mark.parametrize(("member", "longest"), FLOWS, ids=lambda value: value[:20])
def test_the_longest_text_of_a_flow(alice, bob, member, longest):
    cursor = alice.cursor()

    longer = alice.add_flow(users=[bob], **{member: longest + "x"})
    made = alice.add_flow(users=[bob], **{member: longest})

    assert (longer.type, longer.code) == ("add_flow", 413), longer
    assert made.code == 200, made
    [flow] = alice.updates_since(cursor).flows
    assert flow[member] == longest


@pytest.mark.parametrize(("member", "longest"), MESSAGES, ids=lambda value: value[:20])
def test_the_longest_text_of_a_message(alice, bob, member, longest):
    flow = alice.make_flow(bob)

    longer = alice.send(flow, **{member: longest + "x"})
    made = alice.send(flow, **{member: longest})
    edited = alice.edit(made.messages[0]["uuid"], "again", **({} if member == "text" else {member: longest}))

    assert (longer.type, longer.code) == ("send_message", 413), longer
    assert made.code == edited.code == 200, (made.code, edited.code)
    [shown] = alice.messages(flow).messages
    assert shown[member] == ("again" if member == "text" else longest)
