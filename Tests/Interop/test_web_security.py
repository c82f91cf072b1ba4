# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What others can do to the admin panel and the pages of the server, tried with a client that obeys no browser's rules."""

import gzip
import json
import subprocess
import threading

import pytest

from mtp_client import Client
from panel_client import EventStream, PanelClient
from server_process import Server

PASSWORD = "a long enough secret"
PAGES = ["/", "/chat", "/chat/chat.js", "/nowhere", "/admin/login", "/admin/panel.js", "/admin/nowhere"]


def make(server, name):
    done = server.manage(
        "superuser-create", "--username", name, "--login", name, "--password-stdin", stdin=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    templates = folder / "templates"
    templates.mkdir()
    (folder / "secret.mustache").write_text("secret of the folder above", encoding="utf-8")
    server = Server(folder, TEMPLATES_FOLDER=str(templates), BACKUP_FOLDER=str(folder / "backups"))
    server.start()
    server.home = server.addresses["Home page"]
    make(server, "anna")
    yield server
    server.stop()


@pytest.fixture
def stranger(server):
    return PanelClient(server.home)


@pytest.fixture
def anna(server):
    client = PanelClient(server.home)
    assert client.log_in("anna", PASSWORD).location == "/admin"
    return client


@pytest.fixture
def berta(server):
    """An administrator who may be deleted."""
    make(server, "berta")
    client = PanelClient(server.home)
    assert client.log_in("berta", PASSWORD).location == "/admin"
    yield client
    server.manage("superuser", "delete", "berta", "--yes")
    server.manage("user", "delete", "berta", "--yes")


def has_user(server, login):
    return server.manage("user", "show", login).returncode == 0


# Forms of other pages


@pytest.mark.parametrize("token", ["", "0" * 64, "other"])
def test_form_without_its_token_does_nothing(server, anna, berta, token):
    anna.get("/admin/users/new")
    berta.get("/admin/users/new")
    wrong = berta.token if token == "other" else token
    answer = anna.post("/admin/users/new", {"login": "mallory", "password": "secret word"}, token=wrong)
    assert answer.status == 403
    assert not has_user(server, "mallory")


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
])
def test_form_of_another_place_does_nothing_even_with_the_token(server, anna, headers):
    anna.get("/admin/users/new")
    assert anna.post("/admin/users/new", {"login": "mallory", "password": "secret word"}, **headers).status == 403
    assert not has_user(server, "mallory")


def test_change_is_never_made_by_looking(server, anna):
    make(server, "carla")
    for path in ("/admin/users/delete?login=carla", "/admin/administrators/delete?username=carla", "/admin/logout",
                 "/admin/backups/download?name=x", "/admin/settings/unset?key=SERVER.NAME"):
        assert anna.get(path).status in (200, 404, 405)
    assert has_user(server, "carla")
    assert anna.get("/admin").status == 200


# Sessions


def test_session_that_somebody_else_chose_is_not_taken(server, stranger):
    planted = "a" * 64
    stranger.cookies = {"parley_admin": planted, "parley_admin_login": "b" * 64}
    answer = stranger.log_in("anna", PASSWORD)
    assert answer.location == "/admin"
    assert stranger.cookies["parley_admin"] != planted
    thief = PanelClient(server.home)
    thief.cookies = {"parley_admin": planted}
    assert thief.get("/admin").location.startswith("/admin/login")


def test_second_login_ends_the_first_of_the_browser(server, anna):
    first = anna.cookies["parley_admin"]
    anna.log_in("anna", PASSWORD)
    thief = PanelClient(server.home)
    thief.cookies = {"parley_admin": first}
    assert thief.get("/admin").location.startswith("/admin/login")
    assert anna.get("/admin").status == 200


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(anna):
    answer = anna.log_in("anna", PASSWORD)
    _, attributes = answer.cookies["parley_admin"]
    assert {"httponly", "samesite=strict", "path=/admin"} <= attributes
    assert "secure" not in attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


def test_cookie_is_secure_under_tls(tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True, timeout=60)
    server = Server(tmp_path, TLS_KEY_FILE=str(tmp_path / "key.pem"), TLS_CERT_FILE=str(tmp_path / "cert.pem"))
    server.start()
    try:
        make(server, "anna")
        client = PanelClient(server.addresses["Home page"])
        for name, (_, attributes) in client.get("/admin/login").cookies.items():
            assert {"httponly", "samesite=strict", "secure"} <= attributes, name
        _, attributes = client.log_in("anna", PASSWORD).cookies["parley_admin"]
        assert {"httponly", "samesite=strict", "secure"} <= attributes
    finally:
        server.stop()


def test_deleted_administrator_is_out_at_once(server, berta):
    assert berta.get("/admin").status == 200
    watch = berta.get("/admin/log?level=TRACE").text.split("watch=")[1].split('"')[0]
    stream = EventStream(berta, f"/admin/log/events?watch={watch}")
    try:
        assert stream.headers["Content-Type"] == "text/event-stream"
        lines = stream.lines()
        # It runs: the first part has come.
        assert next(lines)
        done = server.manage("superuser", "delete", "berta", "--yes")
        assert done.returncode == 0, done.stderr
        # The log goes on, and none of it reaches them; the stream ends by itself.
        assert Client(server.url).request("authentication", {"user": [{"login": "x", "password": "y"}]}).code != 200
        assert [line for line in lines if "superuser" in line or "authentication" in line] == []
    finally:
        stream.close()
    for path in ("/admin", "/admin/log", f"/admin/log/events?watch={watch}", "/admin/backups"):
        assert berta.get(path).location.startswith("/admin/login"), path


def test_new_password_ends_the_logins(server, berta):
    done = server.manage("user", "set-password", "berta", "--password-stdin", stdin="another long secret\n")
    assert done.returncode == 0, done.stderr
    assert berta.get("/admin").location.startswith("/admin/login")
    again = PanelClient(server.home)
    assert again.log_in("berta", PASSWORD).status == 401
    assert again.log_in("berta", "another long secret").location == "/admin"


# Guessing


def test_guessing_is_slowed_down_and_does_not_lock_the_owner_out(server, anna):
    guesser = PanelClient(server.home, source=("127.0.0.2", 0))
    statuses = [guesser.log_in("anna", f"guess {number}").status for number in range(30)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    # Also with the right password: a guess that hits is not told apart.
    assert guesser.log_in("anna", PASSWORD).status == 429
    assert PanelClient(server.home).log_in("anna", PASSWORD).location == "/admin"
    assert anna.get("/admin").status == 200


def test_unknown_name_and_wrong_password_look_the_same(stranger):
    known = stranger.log_in("anna", "wrong")
    unknown = stranger.log_in("nobody", "wrong")
    assert known.status == unknown.status == 401
    assert known.text.replace("anna", "") == unknown.text.replace("nobody", "")


# Headers


@pytest.mark.parametrize("path", PAGES)
def test_page_is_framed_by_nobody_and_guessed_by_no_browser(stranger, path):
    headers = stranger.get(path, Accept="text/html").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe-inline" not in policy.get("script-src", "")
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/admin", "/admin/users", "/admin/log", "/admin/backups", "/admin/settings"])
def test_panel_is_kept_nowhere_and_tells_no_other_site(anna, path):
    headers = anna.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_name_that_points_here_shows_no_panel(stranger, host):
    answer = stranger.get("/admin/login", Host=host)
    assert answer.status == 403
    assert "form_token" not in answer.text


# Paths


@pytest.mark.parametrize("path", [
    "/admin/../secret.mustache", "/admin/..%2fsecret.mustache", "/admin/%2e%2e/secret.mustache", "/chat/../secret.mustache",
    "/chat/..%2f..%2fetc%2fpasswd", "/chat/%2e%2e%2fsecret", "/../secret.mustache", "//secret.mustache",
    "/admin/panel.css/../../secret.mustache", "/admin/admin-head.mustache", "/home.mustache", "/chat/....//secret.mustache",
    "/admin/panel.css%00.html",
])
def test_no_path_leads_to_a_file(stranger, anna, path):
    for client in (stranger, anna):
        answer = client.get(path)
        assert answer.status in (400, 404), path
        assert "secret of the folder" not in answer.text and "root:" not in answer.text


# Backups


def test_backup_is_made_verified_and_sent_to_administrators_only(server, anna, stranger):
    page = anna.get("/admin/backups")
    assert "There is no backup." in page.text
    assert anna.post("/admin/backups", {}).location == "/admin/backups?done=started"
    name = wait_for(anna, "parley-", ".tar.gz")
    assert anna.post("/admin/backups/verify", {"name": name}).status == 303
    wait_for(anna, "Verify a backup", "done")

    for odd in ("../config.ini", "../chat.db", "/etc/passwd", "..%2fchat.db", name + "/../../config.ini", ""):
        assert anna.post("/admin/backups/download", {"name": odd}).status == 404, odd
    assert stranger.post("/admin/backups/download", {"name": name}, token="0" * 64).location == "/admin/login"
    assert anna.post("/admin/backups/download", {"name": name}, token="0" * 64).status == 403
    file = anna.post("/admin/backups/download", {"name": name})
    assert file.status == 200
    assert file.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert b"about.json" in gzip.decompress(file.bytes)
    assert file.bytes == (server.folder / "backups" / name).read_bytes()

    records = json.loads(server.manage("audit", "list", "--what", "backup", "--json").stdout)["records"]
    assert [record["what"] for record in records if record["result"] == "done"] == ["backup.download", "backup.create"]
    assert [record["target"] for record in records if record["result"] == "done"][0] == name
    assert all(record["who"] == "anna" and record["face"] == "web" for record in records)


def wait_for(client, begin, end):
    """Looks at what moves until it has a text between two others, and returns it whole."""
    stop = threading.Event()
    for _ in range(600):
        text = client.get("/admin/backups/live").text
        if begin in text and end in text.split(begin, 1)[1]:
            return begin + text.split(begin, 1)[1].split(end, 1)[0] + end
        stop.wait(0.1)
    raise AssertionError(text)


# Settings


def test_setting_is_changed_with_a_copy_and_secrets_are_not_shown(tmp_path):
    server = Server(tmp_path)
    server.config.write_text("; ours\n[SERVER]\nNAME = Old\n[ADMIN]\nSECRET_KEY = " + "s" * 40 + "\n", encoding="utf-8")
    server.start()
    try:
        make(server, "anna")
        anna = PanelClient(server.addresses["Home page"])
        anna.log_in("anna", PASSWORD)
        page = anna.get("/admin/settings").text
        assert "s" * 40 not in page
        assert "Change SERVER.NAME" in page and "Change ADMIN.SECRET_KEY" not in page
        # The environment goes before the file.
        assert "Change DATABASE.URI" not in page and "Change SERVER.PORT" not in page
        answer = anna.post("/admin/settings/change", {"key": "SERVER.PORT", "value": "9000"})
        assert answer.status == 403 and "goes before the file" in answer.text
        for key in ("ADMIN.SECRET_KEY", "DATABASE.URI", "NO.SUCH"):
            answer = anna.post("/admin/settings/change", {"key": key, "value": "secretvalue123"})
            assert answer.status in (403, 404) and "secretvalue123" not in answer.text, key

        before = server.config.read_text(encoding="utf-8")
        bad = anna.post("/admin/settings/change", {"key": "SERVER.NAME", "value": "x" * 101})
        assert bad.status == 400 and server.config.read_text(encoding="utf-8") == before
        assert anna.post("/admin/settings/change", {"key": "TLS.KEY_FILE", "value": "/nowhere.pem"}).status == 400
        assert server.config.read_text(encoding="utf-8") == before

        good = anna.post("/admin/settings/change", {"key": "SERVER.NAME", "value": "New & better"})
        assert good.location == "/admin/settings?done=applied"
        assert "New &amp; better</title>" in anna.get("/admin").text
        assert "; ours" in server.config.read_text(encoding="utf-8")
        copies = [path for path in tmp_path.glob("config.ini.*")]
        assert [copy.read_text(encoding="utf-8") for copy in copies] == [before]
        assert anna.post("/admin/settings/change", {"key": "SERVER.WEB_CHAT", "value": "off"}).location.endswith("=restart")
        assert "after the restart" in anna.get("/admin/settings").text
        assert anna.post("/admin/settings/unset", {"key": "SERVER.NAME"}).location == "/admin/settings?done=applied"
        assert "NAME" not in server.config.read_text(encoding="utf-8")

        records = server.manage("audit", "list", "--what", "config.set", "--json").stdout
        assert "secretvalue123" not in records and "New & better" not in records
        assert "SERVER.NAME" in records
    finally:
        server.stop()


def test_web_chat_is_switched_off(tmp_path):
    server = Server(tmp_path, SERVER_WEB_CHAT="off")
    server.start()
    try:
        assert "Web chat" not in server.addresses
        client = PanelClient(server.addresses["Home page"])
        assert client.get("/chat").status == client.get("/chat/chat.js").status == 404
        assert "/chat" not in client.get("/", Accept="text/html").text
    finally:
        server.stop()
