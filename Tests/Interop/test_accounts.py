# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""register_user, authentication, user_info, delete_user and ping_pong."""

import time

import pytest
from websockets.exceptions import ConnectionClosed

from mtp_client import Client, filled


def credentials(login, password):
    return {"user": [{"login": login, "password": password}]}


def test_registration_gives_uuid_token_and_its_lifetime(connection, register, server):
    answer = connection.request("register_user", credentials("new-account", "secret words"))

    assert answer.code == 201
    assert abs(answer.data["time"] - time.time()) < 600
    user = filled(answer.users[0])
    assert set(user) == {"uuid", "auth_id", "token_ttl"}
    assert user["token_ttl"] == 30 * 24 * 3600
    assert answer.meta is None


def test_registration_accepts_the_published_form_with_salt_and_key(connection):
    user = {
        "password": "ds45ds45fd45fd", "salt": "salt", "key": "key", "login": "published-form",
        "email": "someone@example.org", "username": "User1",
    }

    answer = connection.request("register_user", {"user": [user], "meta": None})

    assert answer.code == 201


@pytest.mark.parametrize("login", ["taken-login", "TAKEN-Login"])
def test_a_taken_login_is_refused_in_any_case(server, connection, login):
    connection.request("register_user", credentials("taken-login", "x"))

    answer = connection.request("register_user", credentials(login, "y"))

    assert answer.code == 409
    assert answer.data is None


def test_logins_that_differ_only_in_unicode_form_are_one(connection):
    composed, decomposed = "Zo\u00eb-unicode", "zoe\u0308-unicode"
    first = connection.request("register_user", credentials(composed, "x"))

    second = connection.request("register_user", credentials(decomposed, "y"))

    assert (first.code, second.code) == (201, 409)


@pytest.mark.parametrize(
    "user",
    [
        {"login": "no-password"}, {"login": "null-password", "password": None}, {"password": "no login"},
        {"login": "", "password": "empty login"}, {"login": "empty-password", "password": ""}, {},
    ],
)
def test_registration_without_login_or_password_is_unauthorized(connection, user):
    assert connection.request("register_user", {"user": [user]}).code == 401


@pytest.mark.parametrize("data", [None, {}, {"user": None}, {"user": []}])
def test_registration_without_a_user_is_answered(connection, data):
    assert connection.request("register_user", data).code == 401


def test_closed_registration_is_forbidden(start_server):
    server = start_server(REGISTRATION_MODE="closed")
    client = Client(server.url)

    answer = client.request("register_user", credentials("anyone", "x"))

    assert answer.code == 403
    client.close()


def test_registration_is_closed_by_itself_when_the_server_listens_to_the_world(start_server):
    server = start_server(SERVER_HOST="0.0.0.0")
    client = Client(server.url.replace("0.0.0.0", "127.0.0.1"))

    answer = client.request("register_user", credentials("anyone", "x"))

    assert answer.code == 403
    client.close()


def test_authentication_gives_another_token_and_keeps_the_first(alice):
    answer = alice.authenticate()

    assert answer.code == 200
    user = filled(answer.users[0])
    assert set(user) == {"uuid", "auth_id", "token_ttl"}
    assert user["uuid"] == alice.uuid
    assert user["auth_id"] != alice.auth_id
    assert alice.ping().code == 200
    alice.auth_id = user["auth_id"]
    assert alice.ping().code == 200


def test_authentication_ignores_the_case_of_the_login(alice):
    answer = alice.client.request("authentication", credentials(alice.login.upper(), alice.password))

    assert answer.code == 200
    assert answer.users[0]["uuid"] == alice.uuid


def test_a_wrong_password_is_unauthorized(alice):
    answer = alice.authenticate(password="not the password")

    assert answer.code == 401
    assert answer.data is None


def test_an_unknown_login_is_not_found(connection):
    assert connection.request("authentication", credentials("nobody-has-this", "x")).code == 404


@pytest.mark.parametrize("user", [{"login": "half"}, {"password": "half"}, {}])
def test_authentication_with_half_of_it_is_answered(connection, user):
    assert connection.request("authentication", {"user": [user]}).code == 401


def test_guessing_is_slowed_for_the_account_alone(alice, bob):
    guesses = [alice.authenticate(password=f"guess {number}") for number in range(5)]
    # Where one logged in before, more are free. Each further one doubles the pause, so at any speed one of the next meets it.
    while guesses[-1].code == 401 and len(guesses) < 100:
        guesses.append(alice.authenticate(password="another guess"))

    assert [guess.code for guess in guesses[:5]] == [401] * 5
    assert guesses[-1].code == 429
    assert "seconds" in guesses[-1].detail
    assert bob.authenticate().code == 200
    assert alice.ping().code == 200


def test_a_token_works_on_another_connection(alice):
    alice.reconnect()

    assert alice.ping().code == 200


def test_an_expired_token_is_refused_and_says_so(start_server, register):
    server = start_server(SESSION_TOKEN_TTL="1s")
    alice = register(server, "alice")

    answer = alice.ping()
    while answer.code == 200:
        answer = alice.ping()

    assert answer.code == 401
    assert "expired" in answer.detail.lower()
    again = alice.authenticate()
    assert again.users[0]["token_ttl"] == 1


def test_ping_answers_without_data(alice):
    answer = alice.ping()

    assert answer.code == 200
    assert answer.data is None


def test_user_info_shows_public_fields_of_others(server, alice, register):
    other = register(server, "other", username="Other Person", email="other@example.org")

    answer = alice.user_info(other, alice)

    assert answer.code == 200
    assert [user["uuid"] for user in answer.users] == [other.uuid, alice.uuid]
    shown = filled(answer.users[0])
    assert shown["login"] == other.login
    assert shown["username"] == "Other Person"
    assert shown["is_bot"] is False
    assert abs(shown["time_created"] - time.time()) < 600
    assert not {"email", "auth_id", "token_ttl"} & set(shown)


def test_user_info_shows_the_email_to_its_owner(server, register):
    owner = register(server, "owner", email="owner@example.org")

    assert owner.user_info(owner).users[0]["email"] == "owner@example.org"


def test_user_info_accepts_a_hundred_and_no_more(alice, bob):
    assert alice.user_info(*[bob] * 100).code == 200
    assert alice.user_info(*[bob] * 101).code == 429


def test_user_info_counts_the_set_limit(start_server, register):
    server = start_server(SERVER_LIMIT_USERS="2")
    alice = register(server, "alice")

    assert alice.user_info(alice, alice).code == 200
    assert alice.user_info(alice, alice, alice).code == 429


def test_user_info_without_anyone_asked_is_a_bad_request(alice):
    assert alice.user_info().code == 400


@pytest.mark.parametrize("unknown", ["1", "not a number", str(2**128), ""])
def test_user_info_of_an_unknown_uuid_is_not_found_and_gives_nothing(alice, bob, unknown):
    answer = alice.user_info(bob, unknown)

    assert answer.code == 404
    assert answer.data is None


def test_a_deleted_account_is_gone_and_its_messages_stay(alice, bob):
    flow = alice.make_flow(bob)
    alice.say(flow, "I was here")
    second_token = alice.authenticate().users[0]["auth_id"]

    answer = alice.delete_account()

    assert answer.code == 200
    assert answer.data is None
    assert alice.ping().code == 401
    alice.auth_id = second_token
    assert alice.ping().code == 401
    assert alice.authenticate().code == 404
    assert bob.messages(flow).texts == ["I was here"]
    shown = bob.user_info(alice).users[0]
    assert (shown["login"], shown["username"], shown["bio"]) == ("User deleted", "User deleted", "deleted")
    assert not shown.get("avatar") and not shown.get("email")


def test_two_accounts_can_be_deleted_and_a_login_be_used_again(server, alice, bob, register):
    assert alice.delete_account().code == 200
    assert bob.delete_account().code == 200

    successor = register(server, login=alice.login)

    assert successor.uuid != alice.uuid


def test_deletion_wants_the_right_password(alice):
    assert alice.delete_account(password="not the password").code == 401
    assert alice.ping().code == 200


def test_deletion_with_an_unknown_login_is_not_found(alice):
    assert alice.delete_account(login="nobody-has-this").code == 404
    assert alice.ping().code == 200


def test_nobody_deletes_another_account_even_with_its_password(alice, bob):
    answer = alice.delete_account(login=bob.login, password=bob.password)

    assert answer.code == 401
    assert bob.ping().code == 200
    assert alice.ping().code == 200


def test_a_session_ends_with_the_ping_that_asks_for_it(server, alice):
    other_device = alice.authenticate().users[0]["auth_id"]
    same_session = Client(server.url)
    assert same_session.request("ping_pong", {"user": [alice.identity]}).code == 200

    assert alice.ping(meta={"end_session": False}).code == 200
    ended = alice.ping(meta={"end_session": True})

    assert ended.code == 200 and ended.data is None
    assert alice.ping().code == 401
    with pytest.raises(ConnectionClosed) as closed:
        same_session.next_frame()
    assert closed.value.rcvd.code == 1008
    same_session.close()
    # The connection that asked goes on, and other sessions of the account do.
    alice.auth_id = other_device
    assert alice.ping().code == 200


def test_user_info_says_who_is_online_when_asked(server, alice, bob, register):
    away = register(server, "away")
    assert bob.ping().code == away.ping().code == 200
    asked = {"asked": [{"uuid": bob.uuid}, {"uuid": away.uuid}]}
    assert all("is_online" not in filled(user) for user in alice.ask("user_info", asked).users)

    online = alice.ask("user_info", asked, meta={"presence": True})
    assert [user["is_online"] for user in online.users] == [True, True]

    away.client.close()
    # The server hears of the end a moment later.
    deadline = time.monotonic() + 10
    while alice.ask("user_info", asked, meta={"presence": True}).users[1]["is_online"]:
        assert time.monotonic() < deadline
    assert alice.ask("user_info", asked, meta={"presence": True}).users[0]["is_online"]
