# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""skaro with libskaro as PyPI has it, on its own and beside people on MTP."""

import asyncio
import json
import time
from contextlib import ExitStack

import cbor
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from mtp_client import TIMEOUT_SECONDS
from skaro_person import SkaroPerson, conversation, skaro_url


def texts(messages):
    return [message["body"] for message in messages]


def test_the_registration_type_is_told_without_a_log_in(server):
    async def run():
        async with SkaroPerson(server, "nobody") as stranger:
            await stranger.client.register_type()
            return await stranger.next("register_type")

    assert conversation(run()) == ("open",)


def test_a_log_in_brings_the_session_and_oneself(server, alice):
    async def run():
        async with SkaroPerson(server, alice.login) as person:
            await person.log_in()
            return person.session, person.user, person.client.authorized

    session, user, authorized = conversation(run())
    assert isinstance(session, str) and len(session) >= 32
    assert (user["login"], user["id"], user["status"]) == (alice.login, alice.uuid, "online")
    assert authorized


@pytest.mark.parametrize("login", ["alice", "nobody at all"])
def test_a_wrong_password_is_told(server, alice, login):
    async def run():
        name = alice.login if login == "alice" else login
        async with SkaroPerson(server, name, "wrong") as person:
            await person.client.authorize({"login": name, "password": "wrong"})
            return await person.next("info"), person.client.authorized

    (info, request), authorized = conversation(run())
    assert request == "authorize"
    assert info == "The login or the password is wrong."
    assert not authorized


def test_requests_before_the_log_in_are_refused(server):
    async def run():
        async with SkaroPerson(server, "nobody") as stranger:
            await stranger.client.get_contacts()
            return await stranger.next("info")

    assert conversation(run())[1] == "get_contacts"


def test_contacts_are_listed(server, alice, bob):
    async def run():
        async with SkaroPerson(server, alice.login) as person:
            await person.log_in()
            await person.client.get_contacts()
            [before] = await person.next("get_contacts")
            # The library has no request for it yet: any map may be sent.
            await person.client.ws.send(cbor.dumps({"type": "add_contact", "login": bob.login, "on_request": 999}))
            await person.client.get_contacts()
            return before, await person.next("get_contacts")

    before, [contacts] = conversation(run())
    assert before == []
    assert [(user["login"], user["status"]) for user in contacts] == [(bob.login, "online")]  # on MTP


def test_two_people_talk(server, alice, bob):
    async def run():
        async with SkaroPerson(server, alice.login) as one, SkaroPerson(server, bob.login) as other:
            await one.log_in()
            await other.log_in()
            first = await one.send(bob.login, "Hello, Bob! \U0001f600")
            second = await other.send(alice.login, "Hello, Alice!")
            return first, second, await one.shown(), await other.shown(), await one.history(bob.login)

    first, second, [(one_dialog, to_one)], [(other_dialog, to_other)], history = conversation(run())
    assert (one_dialog, other_dialog) == (bob.login, alice.login)
    assert to_other["body"] == first["body"] == "Hello, Bob! \U0001f600"
    assert (to_other["from"], to_other["to"]) == ({"login": alice.login}, bob.login)
    assert to_other["id"] == first["id"] and to_one["id"] == second["id"]
    assert abs(first["time"] - time.time()) < 600
    assert history == [first, second]


def test_other_devices_see_what_one_wrote(server, alice, bob):
    async def run():
        async with SkaroPerson(server, alice.login) as phone, SkaroPerson(server, alice.login) as desk:
            await phone.log_in()
            await desk.log_in()
            for number in range(5):
                await phone.send(bob.login, str(number))
            return await desk.shown(5), phone.events["show_message"].empty()

    shown, nothing_on_the_phone = conversation(run())
    assert [(dialog, message["body"]) for dialog, message in shown] == [(bob.login, str(n)) for n in range(5)]
    assert nothing_on_the_phone


def test_missed_messages_come_with_the_log_in(server, alice, bob):
    async def run():
        async with SkaroPerson(server, alice.login) as sender:
            await sender.log_in()
            for number in range(30):
                await sender.send(bob.login, str(number))
        async with SkaroPerson(server, bob.login) as reader:
            await reader.log_in()
            return await reader.shown(30)

    assert [message["body"] for _, message in conversation(run())] == [str(number) for number in range(30)]


def test_a_broken_session_is_restored_and_misses_nothing(server, alice, bob):
    async def run():
        async with SkaroPerson(server, alice.login) as sender:
            await sender.log_in()
            async with SkaroPerson(server, bob.login) as reader:
                await reader.log_in()
                await sender.send(bob.login, "before")
                await reader.shown()
                await reader.cut()
            for number in range(5):
                await sender.send(bob.login, str(number))
            async with SkaroPerson(server, bob.login) as restored:
                await restored.restore(reader.session)
                missed = []
                # What came just before the break may come twice.
                while not missed or missed[-1] != "4":
                    missed += [message["body"] for _, message in await restored.shown()]
                await sender.send(bob.login, "live")
                return reader.session, restored.session, missed, await restored.shown()

    session, same, missed, [(_, live)] = conversation(run())
    assert session == same
    assert [text for text in missed if text != "before"] == ["0", "1", "2", "3", "4"]
    assert live["body"] == "live"


def test_an_unknown_session_is_refused(server):
    async def run():
        async with SkaroPerson(server, "nobody") as stranger:
            await stranger.client.session_restore("0123456789abcdef0123456789abcdef")
            return await stranger.next("info")

    assert conversation(run())[1] == "session_restore"


def test_skaro_and_mtp_talk(server, alice, bob):
    async def run():
        async with SkaroPerson(server, bob.login) as person:
            await person.log_in()
            flow = alice.make_flow(alice, bob, type="chat")
            alice.say(flow, "from MTP")
            [(dialog, message)] = await person.shown()
            await person.send(alice.login, "from skaro")
            return flow, dialog, message, await person.history(alice.login)

    flow, dialog, message, history = conversation(run())
    assert (dialog, message["body"], message["to"]) == (alice.login, "from MTP", bob.login)
    assert texts(history) == ["from MTP", "from skaro"]
    assert alice.messages(flow).texts == ["from MTP", "from skaro"]


def test_groups_are_filed_under_the_flow(server, alice, bob, carol):
    async def run():
        async with SkaroPerson(server, bob.login) as person:
            await person.log_in()
            group = alice.make_flow(bob, carol)
            alice.say(group, "Hello, all!")
            [(dialog, message)] = await person.shown()
            await person.send(group, "Hello!")
            return group, dialog, message, await person.history(group)

    group, dialog, message, history = conversation(run())
    assert dialog == message["to"] == message["from"]["in_conference"] == group
    assert message["from"]["login"] == alice.login
    assert texts(history) == ["Hello, all!", "Hello!"]
    assert carol.messages(group).texts == ["Hello, all!", "Hello!"]


def test_pictures_become_words(server, alice, bob):
    async def run():
        async with SkaroPerson(server, bob.login) as person:
            await person.log_in()
            flow = alice.make_flow(alice, bob, type="chat")
            alice.send(flow, "Look", file_picture="A" * 100_000)
            return await person.shown()

    assert conversation(run())[0][1]["body"] == "Look\n[picture]"


# Without the library: what it does not do.


@pytest.mark.parametrize("protocol", ["skaro", "messenger", "all"])
def test_a_chat_made_after_the_test_clients_session_is_live(start_server, protocol):
    """What the session left behind in memory is nothing to those who come after it."""
    server = start_server()
    done = server.manage("testclient", "session", "--protocol", protocol)
    assert done.returncode == 0, done.stdout + done.stderr
    for login in ("alice", "bob"):
        made = server.manage("user", "create", "--login", login, "--password-stdin", stdin="a password\n")
        assert made.returncode == 0, made.stderr
    made = server.manage("flow", "create", "--login", "alice", "--type", "chat", "--title", "Two", "--member", "bob")
    assert made.returncode == 0, made.stderr

    async def run():
        async with SkaroPerson(server, "alice") as one, SkaroPerson(server, "bob") as other:
            await one.log_in()
            await other.log_in()
            await one.send("bob", "live")
            return await other.shown()

    [(dialog, message)] = conversation(run())
    assert (dialog, message["body"]) == ("alice", "live")


class Raw:
    """A connection that sends and receives maps."""

    def __init__(self, server):
        self.exits = ExitStack()
        opening = connect(skaro_url(server), open_timeout=TIMEOUT_SECONDS, close_timeout=TIMEOUT_SECONDS)
        self.socket = self.exits.enter_context(opening)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.exits.close()

    def next(self):
        frame = self.socket.recv(timeout=TIMEOUT_SECONDS)
        assert isinstance(frame, bytes), "one binary message for each map"
        return cbor.loads(frame)

    def request(self, **fields):
        self.socket.send(cbor.dumps(fields | {"on_request": 1}))
        return self.next()


def test_an_account_made_with_skaro_logs_in(server):
    login = f"made-with-skaro-{time.monotonic_ns()}"
    with Raw(server) as raw:
        assert raw.next()["type"] == "check_connection"
        answer = raw.request(type="register", login=login, password="a password", name="Somebody")
        assert answer["status"] == "200 OK" and answer["user"]["name"] == "Somebody"
        assert raw.request(type="register", login=login, password="another")["status"] == "409 Conflict"

    async def run():
        async with SkaroPerson(server, login) as person:
            await person.log_in()
            return person.user["name"]

    assert conversation(run()) == "Somebody"


@pytest.mark.parametrize(
    ("members", "status", "word"),
    [
        ({"email": "nowhere"}, "400 Bad Request", "email"), ({"email": "a@b"}, "400 Bad Request", "email"),
        ({"email": "e" * 319}, "413 ", "email"), ({"login": "testclient"}, "409 Conflict", "login"),
        ({"login": "SEED"}, "409 Conflict", "login"),
    ],
)
def test_what_cannot_be_an_account_is_refused(server, members, status, word):
    login = f"refused-by-skaro-{time.monotonic_ns()}"
    account = {"type": "register", "login": login, "password": "a password"}
    with Raw(server) as raw:
        raw.next()

        answer = raw.request(**(account | members))

        assert answer["status"].startswith(status) and word in answer["info"], answer
        # Nothing was made: the login is free, and the connection goes on.
        assert raw.request(**account, email="alice@example.org")["status"] == "200 OK"


def test_the_third_bad_frame_in_a_row_closes(server):
    with Raw(server) as raw:
        raw.next()
        for _ in range(2):
            raw.socket.send(b"\xff")
            assert raw.next()["type"] == "error"
        assert raw.request(type="nothing")["status"] == "405 Method Not Allowed"
        for _ in range(3):
            raw.socket.send(b"\xff")
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(3):
                assert raw.next()["type"] == "error"
        assert closed.value.rcvd.code == 1002


def test_a_frame_over_the_limit_closes(server):
    with Raw(server) as raw:
        raw.next()
        raw.socket.send(b"\x00" * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            raw.next()
        assert closed.value.rcvd.code == 1009


def test_the_servers_end_is_told(start_server):
    server = start_server()
    with Raw(server) as raw:
        raw.next()
        server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            raw.next()
        assert closed.value.rcvd.code == 1001


def test_without_skaro_there_is_no_such_path(start_server):
    server = start_server(SKARO_ENABLED="off")
    with pytest.raises(Exception, match="404"):
        Raw(server)


def test_an_announced_drain_is_told_to_who_is_there_and_who_comes(server, alice):
    """Unmodified, the library shows it as what the server has to say: on_info."""
    name = json.loads(server.manage("node", "list", "--json").stdout)["nodes"][0]["name"]

    async def run():
        async with SkaroPerson(server, alice.login) as person:
            await person.log_in()
            drained = await asyncio.to_thread(
                server.manage, "node", "drain", name, "--after", "10m", "--message", "Down at 8.", "--json")
            try:
                told = await person.next("info")
                async with SkaroPerson(server, alice.login) as later:
                    await later.log_in()
                    told_later = await later.next("info")
            finally:
                resumed = await asyncio.to_thread(server.manage, "node", "resume", name, "--json")
        return drained, told, told_later, resumed

    drained, told, told_later, resumed = conversation(run())
    assert told == told_later == ("Down at 8.", None)
    announced = json.loads(drained.stdout)["node"]
    assert (announced["status"], announced["message"]) == ("serving", "Down at 8.") and "drains_at" in announced
    node = json.loads(resumed.stdout)["node"]
    assert node["status"] == "serving" and "drains_at" not in node
