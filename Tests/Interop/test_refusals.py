# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Each refusal of each method, as docs/protocols/mtp.md lists them.

Those of every method alike (415, 405, 505, 401 for who asks) are in test_frames.py.
"""

import pytest

from mtp_client import Client

UNKNOWN = ["1", "not a number", str(2**128), ""]
LONG_TEXT = "x" * (64 * 1024 + 1)
LONG_EMOJI = "x" * (16 * 1024 + 1)


def refused(answer, method, code):
    """Holds the answer to be this refusal, with a reason for people and nothing else."""
    assert (answer.type, answer.code) == (method, code), answer
    assert answer.data is None
    assert answer.detail.endswith(".")
    return True


@pytest.fixture
def group(alice, bob):
    """A private group of Alice, who owns it, and Bob."""
    return alice.make_flow(bob)


# register_user

ACCOUNTS = [
    ({}, 401), ({"login": "x"}, 401), ({"login": "x", "password": ""}, 401), ({"password": "x"}, 401),
    ({"login": "two\nlines", "password": "x"}, 400), ({"login": " blank", "password": "x"}, 400),
    ({"login": "zero-width\u200b", "password": "x"}, 400), ({"login": "null\u0000", "password": "x"}, 400),
    ({"login": "l" * 256, "password": "x"}, 413), ({"login": "x", "password": "p" * 4097}, 413),
    ({"login": "x", "password": "x", "username": "u" * 256}, 413),
    ({"login": "x", "password": "x", "username": "null\u0000"}, 400),
    ({"login": "x", "password": "x", "email": "e" * 319}, 413), ({"login": "x", "password": "x", "email": "e" * 1000}, 413),
    ({"login": "testclient", "password": "x"}, 409), ({"login": "SEED", "password": "x"}, 409),
]


@pytest.mark.parametrize(("user", "code"), ACCOUNTS, ids=lambda value: str(value)[:60])
def test_register_user_refuses_what_cannot_be_an_account(connection, user, code):
    refused(connection.request("register_user", {"user": [user]}), "register_user", code)


@pytest.mark.parametrize("email", ["nowhere", "a@b", "a b@example.org", "a@example.org, b@example.org", ""])
def test_register_user_refuses_what_is_no_email_as_the_published_server_does(connection, email):
    user = {"login": "with-email", "password": "x", "email": email}

    answer = connection.request("register_user", {"user": [user]})

    assert (answer.type, answer.code) == ("error", 415)
    assert "email" in answer.detail
    assert connection.request("authentication", {"user": [user | {"email": None}]}).code == 404


def test_register_user_refuses_a_taken_login(connection, alice):
    user = {"login": alice.login, "password": "x"}

    refused(connection.request("register_user", {"user": [user]}), "register_user", 409)


@pytest.mark.parametrize(("mode", "meta"), [("closed", None), ("invite", None), ("invite", {"invite": "no such code"})])
def test_register_user_refuses_strangers(start_server, mode, meta):
    client = Client(start_server(REGISTRATION_MODE=mode).url)
    user = {"login": "anyone", "password": "x"}

    refused(client.request("register_user", {"user": [user]}, meta=meta), "register_user", 403)
    assert client.request("authentication", {"user": [user]}).code == 404
    client.close()


def test_register_user_takes_an_invitation_once(start_server):
    server = start_server(REGISTRATION_MODE="invite")
    code = server.manage("invite", "create", "--quiet").stdout.split()[1]
    client = Client(server.url)

    codes = [
        client.request("register_user", {"user": [{"login": login, "password": "x"}]}, meta={"invite": code}).code
        for login in ("first", "second")
    ]

    assert codes == [201, 403]
    client.close()


# authentication


@pytest.mark.parametrize("user", [{}, {"login": "x"}, {"password": "x"}, {"login": "", "password": "x"}])
def test_authentication_wants_login_and_password(connection, user):
    refused(connection.request("authentication", {"user": [user]}), "authentication", 401)


def test_authentication_refuses_wrong_passwords_and_unknown_logins(alice):
    refused(alice.authenticate(password="not the password"), "authentication", 401)
    unknown = {"user": [{"login": "nobody-has-this", "password": "x"}]}
    refused(alice.client.request("authentication", unknown), "authentication", 404)


def test_authentication_refuses_guesses_that_come_too_fast(alice):
    answer = alice.authenticate(password="guess")
    for _ in range(100):
        if answer.code != 401:
            break
        answer = alice.authenticate(password="guess")

    refused(answer, "authentication", 429)


# send_message


def test_send_message_refuses_what_names_too_little(alice, group):
    message = {"client_id": 1, "text": "x"}
    for data in (
        {}, {"message": [message]}, {"flow": [], "message": [message]}, {"flow": [{}], "message": [message]},
        {"flow": [{"uuid": group}]}, {"flow": [{"uuid": group}], "message": []},
    ):
        refused(alice.ask("send_message", data), "send_message", 400)


@pytest.mark.parametrize("flow", UNKNOWN)
def test_send_message_does_not_find_unknown_flows(alice, flow):
    refused(alice.send(flow), "send_message", 404)


def test_send_message_does_not_find_flows_of_others_and_forbids_members_of_a_channel(alice, bob, carol, group):
    channel = alice.make_flow(bob, type="channel")

    refused(carol.send(group), "send_message", 404)
    refused(bob.send(channel), "send_message", 403)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"text": LONG_TEXT}, 413), ({"emoji": LONG_EMOJI}, 413), ({"text": "null\u0000"}, 400),
        ({"emoji": "null\u0000"}, 400), ({"file_picture": "null\u0000"}, 400), ({"file_audio": "null\u0000"}, 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_send_message_refuses_what_is_too_long_or_cannot_be_kept(alice, group, members, code):
    message = {"client_id": 1, "text": "x"} | members

    answer = alice.ask("send_message", {"flow": [{"uuid": group}], "message": [message]})

    refused(answer, "send_message", code)
    assert alice.messages(group).messages == []


# all_messages


def test_all_messages_refuses_what_names_no_flow(alice):
    for data in ({}, {"flow": []}, {"flow": [{}]}, {"time": 0, "flow": [{"message_start": 0}]}):
        refused(alice.ask("all_messages", data), "all_messages", 400)


@pytest.mark.parametrize("flow", UNKNOWN)
def test_all_messages_does_not_find_unknown_flows(alice, flow):
    refused(alice.messages(flow), "all_messages", 404)


def test_all_messages_refuses_ranges(alice, carol, group):
    refused(carol.messages(group), "all_messages", 404)
    refused(alice.messages(group, message_start=-1, message_end=1), "all_messages", 400)
    refused(alice.messages(group, message_start=2, message_end=1), "all_messages", 400)
    refused(alice.messages(group, message_start=0, message_end=101), "all_messages", 403)


# get_update


@pytest.mark.parametrize("meta", [None, {}, {"push": True}, {"since": ""}, {"since": "0" * 24}, {"since": "x" * 1000}])
def test_get_update_wants_a_time_or_a_cursor(alice, meta):
    refused(alice.ask("get_update", {}, meta=meta), "get_update", 400)


# add_flow


def test_add_flow_refuses_what_is_no_flow(alice, bob, carol):
    for data in ({}, {"flow": []}, {"flow": [{}]}):
        refused(alice.ask("add_flow", data), "add_flow", 400)
    for type in ("party", "", "CHAT"):
        refused(alice.add_flow(type), "add_flow", 400)
    for users in ([], [alice], [alice, alice], [bob, carol], [alice, bob, carol]):
        refused(alice.add_flow("chat", users=users), "add_flow", 400)


def test_add_flow_refuses_owners_and_members(alice, bob):
    refused(alice.add_flow(users=[bob], owner=bob.uuid), "add_flow", 403)
    for unknown in UNKNOWN:
        refused(alice.add_flow(users=[bob, unknown]), "add_flow", 404)
    refused(alice.add_flow(users=[bob.uuid] * 10_001), "add_flow", 400)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"title": "t" * 1025}, 413), ({"info": "i" * (16 * 1024 + 1)}, 413), ({"title": "null\u0000"}, 400),
        ({"info": "null\u0000"}, 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_add_flow_refuses_what_is_too_long_or_cannot_be_kept(alice, members, code):
    refused(alice.add_flow(**members), "add_flow", code)


# all_flow, ping_pong


def test_all_flow_finds_nothing_where_there_is_nothing(start_server, register):
    alice = register(start_server(), "alice")

    refused(alice.all_flow(), "all_flow", 404)


@pytest.mark.parametrize("method", ["ping_pong", "all_flow", "get_update", "send_message"])
def test_a_revoked_token_is_refused_and_said_to_be(server, alice, method):
    alice.ping()
    assert server.manage("user", "logout", alice.login).returncode == 0
    alice.reconnect()

    answer = alice.ask(method)

    refused(answer, method, 401)
    assert "revoked" in answer.detail


# user_info


def test_user_info_refuses_what_names_nobody_or_too_many(alice, bob):
    refused(alice.user_info(), "user_info", 400)
    refused(alice.ask("user_info", {"asked": [{}]}), "user_info", 400)
    refused(alice.user_info(*[bob] * 101), "user_info", 429)
    for unknown in UNKNOWN:
        refused(alice.user_info(bob, unknown), "user_info", 404)


# delete_user


def test_delete_user_wants_ones_own_login_and_password(alice, bob):
    def delete(**members):
        return alice.client.request("delete_user", {"user": [alice.identity | members]})

    refused(delete(), "delete_user", 401)
    refused(delete(login=alice.login), "delete_user", 401)
    refused(delete(password=alice.password), "delete_user", 401)
    refused(delete(login=alice.login, password="not the password"), "delete_user", 401)
    refused(delete(login=bob.login, password=bob.password), "delete_user", 401)
    # A login of this test's own: guesses at one that others use would be slowed down.
    refused(delete(login=f"not-{alice.login}", password="x"), "delete_user", 404)
    assert alice.ping().code == bob.ping().code == 200


def test_delete_user_refuses_guesses_that_come_too_fast(alice):
    answer = alice.delete_account(password="guess")
    for _ in range(100):
        if answer.code != 401:
            break
        answer = alice.delete_account(password="guess")

    refused(answer, "delete_user", 429)
    assert alice.ping().code == 200


# delete_message, edited_message


def test_delete_message_refuses_what_names_too_little(alice, group):
    [uuid] = alice.say(group, "text")
    for data in (
        {}, {"flow": [{"uuid": group}]}, {"flow": [{"uuid": group}], "message": []},
        {"flow": [{"uuid": group}], "message": [{}]}, {"message": [{"uuid": uuid}]},
        {"flow": [{}], "message": [{"uuid": uuid}]},
    ):
        refused(alice.ask("delete_message", data), "delete_message", 400)
    assert alice.messages(group).texts == ["text"]


def test_delete_message_refuses_other_messages(alice, bob, carol, group):
    [uuid] = alice.say(group, "text")
    elsewhere = alice.make_flow(bob)

    for unknown in UNKNOWN:
        refused(alice.delete_message(group, unknown), "delete_message", 404)
        refused(alice.delete_message(unknown, uuid), "delete_message", 404)
    refused(alice.delete_message(elsewhere, uuid), "delete_message", 404)
    refused(carol.delete_message(group, uuid), "delete_message", 404)
    refused(bob.delete_message(group, uuid), "delete_message", 403)
    assert alice.delete_message(group, uuid).code == 200
    refused(alice.delete_message(group, uuid), "delete_message", 403)


def test_edited_message_refuses_what_names_too_little(alice, group):
    [uuid] = alice.say(group, "text")
    for data in ({}, {"message": []}, {"message": [{}]}, {"message": [{"text": "x"}]}, {"message": [{"uuid": uuid}]}):
        refused(alice.ask("edited_message", data), "edited_message", 400)
    assert alice.messages(group).texts == ["text"]


def test_edited_message_refuses_other_messages(alice, bob, carol, group):
    [uuid] = alice.say(group, "text")

    for unknown in UNKNOWN:
        refused(alice.edit(unknown, "x"), "edited_message", 404)
    refused(carol.edit(uuid, "x"), "edited_message", 404)
    refused(bob.edit(uuid, "x"), "edited_message", 403)
    assert alice.delete_message(group, uuid).code == 200
    refused(alice.edit(uuid, "x"), "edited_message", 403)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"text": LONG_TEXT}, 413), ({"emoji": LONG_EMOJI}, 413), ({"text": "null\u0000"}, 400),
        ({"file_document": "null\u0000"}, 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_edited_message_refuses_what_is_too_long_or_cannot_be_kept(alice, group, members, code):
    [uuid] = alice.say(group, "text")

    answer = alice.ask("edited_message", {"message": [{"uuid": uuid} | members]})

    refused(answer, "edited_message", code)
    assert alice.messages(group).texts == ["text"]


# Rates and quotas


def test_what_comes_too_often_is_refused(start_server, register):
    settings = {f"RATE_LIMIT_{name}": "1/d burst 1" for name in ("READS", "LOGINS")}
    alice = register(start_server(RATE_LIMIT_WRITES="1/d burst 2", **settings), "alice")
    flow = alice.make_flow()
    (message,) = alice.say(flow, "hello")
    assert alice.messages(flow).texts == ["hello"]
    assert alice.authenticate().code == 200

    answers = [
        alice.send(flow), alice.add_flow(), alice.edit(message, "again"), alice.delete_message(flow, message),
        alice.messages(flow), alice.all_flow(), alice.user_info(alice), alice.updates(), alice.authenticate(),
    ]

    methods = [
        "send_message", "add_flow", "edited_message", "delete_message", "all_messages", "all_flow", "user_info", "get_update",
        "authentication",
    ]
    for answer, method in zip(answers, methods, strict=True):
        refused(answer, method, 429)
        assert "Try again in" in answer.detail
    # Its own end is not counted, and the connection goes on.
    assert alice.ping().code == 200


def test_too_many_accounts_from_one_address_are_refused(start_server):
    server = start_server(RATE_LIMIT_ADDRESS_REGISTRATIONS="1/d burst 1", SERVER_TRUSTED_PROXIES="127.0.0.1", REGISTRATION_MODE="open")
    codes = {}
    for address in ("192.0.2.1", "192.0.2.2"):
        client = Client(server.url, **{"X-Forwarded-For": address})
        answers = [
            client.request("register_user", {"user": [{"login": f"{name} at {address}", "password": "x"}]})
            for name in ("first", "second")
        ]
        codes[address] = [answer.code for answer in answers]
        refused(answers[1], "register_user", 429)
        assert "Try again in" in answers[1].detail
        # There is no such account, and the connection goes on.
        assert client.request("authentication", {"user": [{"login": f"second at {address}", "password": "x"}]}).code == 404
        client.close()

    assert codes == {"192.0.2.1": [201, 429], "192.0.2.2": [201, 429]}


def test_who_has_too_much_is_refused(start_server, register):
    server = start_server(RATE_LIMIT_FLOWS="3", RATE_LIMIT_PUBLIC_FLOWS="1", RATE_LIMIT_BYTES="1 KiB")
    alice, bob = register(server, "alice"), register(server, "bob")
    alice.make_flow()

    refused(alice.add_flow(), "add_flow", 403)
    flow, _ = alice.make_flow(bob), alice.make_flow(bob)
    refused(alice.add_flow(users=[bob]), "add_flow", 403)
    alice.say(flow, "x" * 500)
    refused(alice.send(flow, "x" * 1000), "send_message", 403)

    assert bob.send(flow, "of another account").code == 200
