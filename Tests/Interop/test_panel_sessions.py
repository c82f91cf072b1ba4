# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Logins of the admin panel and sessions of accounts: what they survive, where they hold, and how each ends."""

import contextlib
import json
import os
import re
import time

import psycopg2
import pytest

from admin_client import ask
from mtp_client import Client
from panel_client import PanelClient
from server_process import PostgresDatabase, Server
from test_panel import code_of

PASSWORD = "a long enough secret"
SECONDS = 60
NEEDS_POSTGRES = pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="PARLEY_TEST_POSTGRES is not set")


def make(server, name):
    done = server.manage(
        "superuser-create", "--username", name, "--login", name, "--password-stdin", stdin=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr


def panel_of(server):
    client = PanelClient(server.addresses["Home page"])
    assert client.log_in("anna", PASSWORD).location == "/admin"
    return client


def elsewhere(client, server):
    """The same browser in front of another server."""
    other = PanelClient(server.addresses["Home page"])
    other.cookies = dict(client.cookies)
    return other


def wait_until(find):
    """What is found at last."""
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def cluster(folder, *names, **settings):
    """Servers that share a PostgreSQL database and a key file, and the database."""
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    with contextlib.ExitStack() as exits:
        exits.callback(database.drop)
        servers = []
        for name in names:
            (folder / name).mkdir()
            server = Server(
                folder / name, database, CLUSTER_NODE=name, SECRETS_KEY_FILE=str(folder / "secret.key"), **settings)
            if not servers:
                server.prepare_database()
            server.start()
            exits.callback(server.stop)
            servers.append(server)
        yield servers, database


def test_login_survives_a_restart(start_server):
    server = start_server()
    make(server, "anna")
    anna = panel_of(server)
    anna.get("/admin/users/new")
    server.stop()
    server.start()
    again = elsewhere(anna, server)
    assert "Overview" in again.get("/admin").text
    # Also a form that was open meanwhile is taken.
    answer = again.post("/admin/users/new", {"login": "later", "password": "secret word"}, token=anna.token)
    assert answer.status == 303, answer.text
    assert server.manage("user", "show", "later").returncode == 0


@NEEDS_POSTGRES
def test_login_and_its_end_hold_on_every_server(tmp_path):
    with cluster(tmp_path, "one", "two") as ((one, two), _):
        make(one, "anna")
        anna = panel_of(one)
        other = elsewhere(anna, two)
        page = other.get("/admin")
        assert page.status == 200
        # Each shows them all.
        for name in ("one", "two"):
            assert re.search(rf'<a href="/admin/nodes">{name}</a> <span class="tag">serving</span>', page.text), page.text
        assert other.post("/admin/users/new", {"login": "made-on-two", "password": "secret word"}).status == 303
        assert anna.get("/admin/users/show?login=made-on-two").status == 200

        anna.get("/admin/users/new")
        assert anna.post("/admin/logout", {}).location == "/admin/login"
        assert other.get("/admin").location.startswith("/admin/login")


@NEEDS_POSTGRES
def test_token_that_is_revoked_on_one_server_is_refused_on_the_other(tmp_path):
    with cluster(tmp_path, "one", "two") as ((one, two), _):
        make(one, "anna")
        done = one.manage("token", "create", "script", "--superuser", "anna", "--scope", "write", "--json")
        assert done.returncode == 0, done.stderr
        token = json.loads(done.stdout)["secret"]
        for server in (two, one, two):
            assert ask(server, "GET", "/users", token=token)[0] == 200
        done = one.manage("token", "revoke", "script")
        assert done.returncode == 0, done.stderr
        for server in (two, one):
            assert ask(server, "GET", "/users", token=token)[0] == 401
            assert ask(server, "POST", "/users", {"login": "mallory", "password": "secret word"}, token=token)[0] == 401
        assert one.manage("user", "show", "mallory").returncode != 0


@pytest.fixture
def twice(start_server, register):
    """A server, an administrator in its panel, and somebody who is logged in twice: the two connections and their ids."""
    server = start_server()
    make(server, "anna")
    person = register(server, "twice")
    second = Client(server.url)
    with contextlib.closing(second):
        answer = second.request("authentication", {"user": [{"login": person.login, "password": person.password}]})
        assert answer.code == 200
        clients = [(person.client, person.identity), (second, {"uuid": person.uuid, "auth_id": answer.users[0]["auth_id"]})]
        yield panel_of(server), person.login, clients


def session_numbers(anna, login):
    """The sessions that the page of an account offers to end, the oldest first."""
    text = anna.get(f"/admin/users/show?login={login}").text
    return sorted(int(number) for number in re.findall(r'name="session" value="(\d+)"', text))


def is_logged_in(client, identity):
    try:
        return client.request("ping_pong", {"user": [identity]}).code == 200
    except Exception as error:  # pylint: disable=broad-except
        # The connection of a session that has ended is closed.
        assert "Closed" in type(error).__name__, error
        return False


def test_one_of_several_sessions_is_ended(twice):
    anna, login, (first, second) = twice
    numbers = session_numbers(anna, login)
    assert len(numbers) == 2
    answer = anna.post("/admin/users/logout", {"login": login, "session": numbers[0]})
    assert answer.status == 303
    assert not is_logged_in(*first)
    assert is_logged_in(*second)
    assert session_numbers(anna, login) == numbers[1:]
    # It has ended already.
    assert anna.post("/admin/users/logout", {"login": login, "session": numbers[0]}).status == 404
    assert is_logged_in(*second)


@pytest.mark.parametrize("number", ["x", "", "-1", "1.5", "9" * 19])
def test_what_is_no_number_of_a_session_ends_none(twice, number):
    anna, login, clients = twice
    assert len(session_numbers(anna, login)) == 2
    answer = anna.post("/admin/users/logout", {"login": login, "session": number})
    assert answer.status == 400 and "The session is not a number." in answer.text
    assert all(is_logged_in(*client) for client in clients)
    # Without the field it means all of them.
    assert anna.post("/admin/users/logout", {"login": login}).status == 303
    assert not any(is_logged_in(*client) for client in clients)


def test_guessed_codes_end_in_a_pause_also_with_the_right_password(start_server):
    server = start_server()
    make(server, "anna")
    done = server.manage("superuser-totp", "anna", "enable")
    assert done.returncode == 0, done.stderr
    address = re.search(r"otpauth://\S+", done.stdout)[0]
    right = {code_of(address, time.time() + seconds) for seconds in range(-120, 240, 30)}
    wrong = (f"{number:06}" for number in range(1000) if f"{number:06}" not in right)
    guesser = PanelClient(server.addresses["Home page"], source=("127.0.0.2", 0))
    statuses = [guesser.log_in("anna", PASSWORD, next(wrong)).status for _ in range(30)]
    assert statuses[0] == 401 and statuses[-1] == 429
    assert set(statuses) == {401, 429}
    # A guess that hits is not told apart.
    assert guesser.log_in("anna", PASSWORD, code_of(address, time.time())).status == 429
    assert guesser.get("/admin").location.startswith("/admin/login")
    # Elsewhere the owner comes in.
    owner = PanelClient(server.addresses["Home page"])
    assert owner.log_in("anna", PASSWORD, code_of(address, time.time())).location == "/admin"


def test_panel_is_switched_off_and_the_api_is_not(start_server):
    server = start_server(ADMIN_PANEL="off")
    assert "Admin panel" not in server.addresses
    make(server, "anna")
    client = PanelClient(server.addresses["Home page"])
    for path in ("/admin", "/admin/login", "/admin/users", "/admin/panel.css", "/admin/log/events"):
        assert client.get(path).status == 404, path
    assert client.post("/admin/login", {"username": "anna", "password": PASSWORD}, token="0" * 64).status == 404
    assert "/admin" not in client.get("/", Accept="text/html").text
    assert ask(server, "GET", "/users", token="nothing")[0] == 401


def test_overview_shows_how_fast_messages_arrive_and_which_servers_there_are(start_server, register):
    server = start_server(CLUSTER_NODE="the-only-one")
    make(server, "anna")
    anna = panel_of(server)
    writer, reader = register(server, "writer"), register(server, "reader")
    flow = writer.make_flow(reader)
    assert reader.ask("ping_pong", {}, meta={"push": True}).code == 200
    assert '<p class="number">–<small> for 99 %</small>' in anna.get("/admin/live").text

    def measured():
        writer.say(flow, "how long does it take?")
        # What is not read would hold up the end of the connection.
        reader.client.next_frame()
        text = anna.get("/admin/live").text
        slow = re.search(r'Delivered within</h2>\s*<p class="number">([\d,.]+) ms<small> for 99 %', text)
        half = re.search(r"Half of them</dt><dd>([\d,.]+) ms<", text)
        chart = re.search(r"Delivered in, 99 of 100 over the last five minutes: now [\d,.]+ ms, highest ([\d,.]+) ms", text)
        return slow and half and chart and [float(found[1].replace(",", "")) for found in (half, slow, chart)]

    half, slow, highest = wait_until(measured)
    assert 0 < half <= slow and highest > 0
    # A server tells the others now and then how many it serves.
    wait_until(lambda: re.search(
        r'>the-only-one</a> <span class="tag">serving</span> <span class="quiet">open connections: [1-9]',
        anna.get("/admin").text))


@NEEDS_POSTGRES
def test_backup_is_cancelled(tmp_path):
    """A lock holds it in the middle, so that it cannot end before."""
    with cluster(tmp_path, "one", BACKUP_FOLDER=str(tmp_path / "backups")) as ((server,), database):
        make(server, "anna")
        anna = panel_of(server)
        anna.get("/admin/backups")
        with contextlib.closing(psycopg2.connect(database.uri)) as holder, holder.cursor() as cursor:
            cursor.execute("LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE")
            assert anna.post("/admin/backups", {}).status == 303

            def waits():
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'contacts'::regclass")
                return cursor.fetchone()[0]

            wait_until(waits)
            live = anna.get("/admin/backups/live").text
            [job] = re.findall(r'name="job" value="([^"]+)"', live)
            assert "running" in live
            assert anna.post("/admin/backups/cancel", {"job": job}, token="0" * 64).status == 403
            assert anna.post("/admin/backups/cancel", {"job": job}).location == "/admin/backups?done=cancelled"
            holder.rollback()
        live = wait_until(lambda: (text := anna.get("/admin/backups/live").text) and "ended" in text and text)
        assert '<span class="tag">cancelled</span>' in live and "There is no backup." in live
        # Nothing half done is left, and the next one goes through.
        assert list((tmp_path / "backups").glob("*")) == []
        assert anna.post("/admin/backups/cancel", {"job": job}).status in (404, 409)
        assert anna.post("/admin/backups", {}).status == 303
        wait_until(lambda: '<span class="tag good">done</span>' in anna.get("/admin/backups/live").text)
        [file] = (tmp_path / "backups").iterdir()
        assert file.name.endswith(".tar.gz")


def test_template_shows_no_file_outside_its_folder(start_server, tmp_path):
    (tmp_path / "secret.mustache").write_text("secret of the folder above", encoding="utf-8")
    (tmp_path / "secret").write_text("secret of the folder above", encoding="utf-8")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "unlisted.mustache").write_text("secret beside the pages", encoding="utf-8")
    names = ["../secret", "../secret.mustache", f"{tmp_path}/secret", "pages/../../secret", "unlisted"]
    page = "".join(f"[{{{{> {name}}}}}]" for name in names)
    for name in ("home", "admin-login"):
        (tmp_path / "pages" / f"{name}.mustache").write_text(f"<p>our own page{page}</p>", encoding="utf-8")
    server = start_server(TEMPLATES_FOLDER=str(tmp_path / "pages"))
    client = PanelClient(server.addresses["Home page"])
    for path in ("/", "/admin/login"):
        text = client.get(path, Accept="text/html").text
        assert "our own page" in text and "secret of" not in text and "secret beside" not in text, path
