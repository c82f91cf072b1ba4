# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Commands that work on another machine's server: the same output as on the machine itself, and what they refuse.

What they change is in test_admin_faces.py.
"""

import http.server
import json
import re
import signal
import subprocess
import threading
import time

import pexpect
import pytest

from admin_client import PASSWORD, ask, make_administrator, remote_options, token_of
from server_process import BINARY, Server
from test_admin_faces import CHANGES

# What looks, and what does the same each time. {login}, {flow} and {message} are there.
READS = [
    "db status", "db stats", "db check", "db gc --dry-run", "user list", "user list --limit 1 --after 1", "user show {login}",
    "user sessions {login}", "user limits {login}", "user delete {login} --erase --dry-run", "flow list", "flow show {flow}",
    "message list {flow}", "message list {flow} --limit 2", "message show {message}", "message search Welcome",
    "message expire --group 1d --dry-run", "invite list", "audit verify", "superuser list", "tail --once --last 3",
    "log level", "reload", "flow seed --users 0 --flows 0 --messages 0",
]
# What is different a moment later: only its shape is compared.
CHANGING = ["audit list --limit 3", "node list", "token list", "top --once", "log tail --last 1"]
# Tried below, each with its own server or in its own way.
ELSEWHERE = {"node drain", "node resume", "flow seed"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("remote"))
    server.start()
    make_administrator(server)
    seeded = json.loads(server.manage("flow", "seed", "--users", "2", "--messages", "7", "--json").stdout)
    messages = json.loads(server.manage("message", "list", str(seeded["first_flow"]), "--json").stdout)
    server.names = {
        "login": "admin", "flow": str(seeded["first_flow"]), "message": str(messages["messages"][0]["uuid"])}
    server.remote = remote_options(server, "writer")
    server.tokens = {"write": token_of(server, "asking", "write")}
    yield server
    server.stop()


def both(server, command):
    words = command.format(**server.names).split()
    return server.manage(*words, "--json"), server.manage(*words, "--json", *server.remote)


def shape(value):
    """The types of a value, at every depth; a list is as its first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return "number" if isinstance(value, (int, float)) else type(value).__name__


@pytest.mark.parametrize("command", READS)
def test_what_is_read_is_the_same(server, command):
    here, remote = both(server, command)

    assert (here.returncode, remote.returncode) == (0, 0), here.stderr + remote.stderr
    assert json.loads(remote.stdout.splitlines()[0] if command.startswith("tail") else remote.stdout)
    assert remote.stdout == here.stdout


@pytest.mark.parametrize("command", CHANGING)
def test_what_changes_by_itself_has_the_same_shape(server, command):
    here, remote = both(server, command)

    assert (here.returncode, remote.returncode) == (0, 0), here.stderr + remote.stderr
    (first, second) = (json.loads(run.stdout) for run in (here, remote))
    if command.startswith("log tail"):
        assert first.keys() == second.keys()
    else:
        assert shape(first) == shape(second)


def test_tables_are_the_same_too(server):
    here, remote = server.manage("user", "list"), server.manage("user", "list", *server.remote)

    assert remote.stdout == here.stdout != ""


def test_every_command_with_a_server_is_tried():
    dump = subprocess.run([BINARY, "--experimental-dump-help"], capture_output=True, text=True, check=True, timeout=60)
    found = set()

    def visit(command, words):
        options = {name["name"] for argument in command.get("arguments", []) for name in argument.get("names") or []}
        if "server" in options:
            found.add(" ".join(words))
        for subcommand in command.get("subcommands", []):
            visit(subcommand, [*words, subcommand["commandName"]])

    visit(json.loads(dump.stdout)["command"], [])
    tried = {known for command in READS + CHANGING for known in found if f"{command} ".startswith(f"{known} ")}
    tried |= {" ".join(change.command[:2]) for change in CHANGES}
    assert found == tried | ELSEWHERE
    assert not found & {"db create", "db migrate", "db backup", "config set", "runserver", "token create", "user export"}


def test_servers_are_drained_and_resumed(server):
    name = json.loads(server.manage("node", "list", "--json").stdout)["nodes"][0]["name"]

    drained = server.manage("node", "drain", name, "--json", *server.remote)
    resumed = server.manage("node", "resume", name, "--json", *server.remote)

    assert json.loads(drained.stdout)["node"]["status"] == "draining", drained.stderr
    assert json.loads(resumed.stdout)["node"]["status"] == "serving", resumed.stderr


def test_the_environment_names_the_server(server, tmp_path):
    environment = server.environment | {
        "PARLEY_SERVER": server.remote[1], "PARLEY_TOKEN_FILE": server.remote[3], "PARLEY_DATABASE_URI": "sqlite:no.db",
        "PARLEY_ADMIN_SOCKET": str(tmp_path / "none.sock"),
    }

    def manage(*words):
        return subprocess.run(
            [BINARY, *words], env=environment, cwd=tmp_path, text=True, capture_output=True, timeout=60, check=False)

    assert "admin" in manage("user", "list").stdout
    # These have no server: they look at this machine.
    assert manage("token", "create", "x", "--superuser", "admin").returncode == 69
    assert "PARLEY_SERVER" not in manage("config", "check").stdout


# Refusals


def refused(server, *options, command=("user", "list")):
    done = server.manage(*command, "--json", *options, stdin=PASSWORD)
    assert done.stdout == ""
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    return done.returncode, f"{error['message']} {error['next_step'] or ''}"


def token_file(folder, token="no-such-token", mode=0o600):
    file = folder / "token"
    file.write_text(token)
    file.chmod(mode)
    return str(file)


def test_wrong_and_revoked_tokens_are_refused(server, tmp_path):
    revoked = remote_options(server, "revoked")
    assert server.manage("user", "list", *revoked).returncode == 0
    assert server.manage("token", "revoke", "revoked").returncode == 0

    for options in (revoked, ["--server", server.http_url, "--token-file", token_file(tmp_path)]):
        status, words = refused(server, *options)
        assert status == 4
        assert words.startswith("The token is unknown, revoked or expired. Make one with 'manage token create'")


def test_a_token_that_reads_changes_nothing(server):
    options = remote_options(server, "reader", "read")

    status, words = refused(server, *options, command=("user", "update", "admin", "--bio", "changed"))

    assert status == 4
    assert words.startswith("The scope of this token is read, and 'user.update' changes something.")
    assert server.manage("user", "list", *options).returncode == 0


@pytest.mark.parametrize("words, status", [
    (("user", "show", "nobody"), 6), (("user", "create", "--login", "admin", "--password-stdin"), 7),
    (("invite", "create", "--uses", "0"), 64), (("flow", "remove-member", "{flow}", "seed"), 4),
])
def test_what_an_operation_refuses_ends_as_on_the_machine(server, words, status):
    words = [word.format(**server.names) for word in words]

    here, there = refused(server, command=words), refused(server, *server.remote, command=words)

    assert here == there
    assert here[0] == status


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_token_that_others_can_read_is_refused(server, tmp_path, mode):
    status, words = refused(
        server, "--server", server.http_url, "--token-file", token_file(tmp_path, server.tokens["write"], mode))

    assert status == 78
    assert "can be read by others. Run chmod 600 on it" in words
    assert server.tokens["write"] not in words


@pytest.mark.parametrize("options, status, words", [
    (["--server", "http://127.0.0.1:1", "--token-file", "{token}"], 69, "Nothing listens on 127.0.0.1:1."),
    (["--server", "http://chat.example.org", "--token-file", "{token}"], 64, "in clear, where others can read it. Write https://"),
    (["--server", "http://127.0.0.1.example.org", "--token-file", "{token}"], 64, "in clear"),
    (["--server", "ftp://127.0.0.1", "--token-file", "{token}"], 64, "its scheme must be one of http, https"),
    (["--server", "https://admin:pass@chat.example.org", "--token-file", "{token}"], 64, "must not hold a user name"),
    (["--server", "https://chat.example.org/admin", "--token-file", "{token}"], 64, "has a path"),
    (["--server", "https://chat.example.org"], 64, "A token is needed"),
    (["--token-file", "{token}"], 64, "are for the server of --server"),
    (["--server", "https://chat.example.org", "--token-file", "nowhere"], 6, "does not exist"),
    (["--server", "https://chat.example.org", "--token-file", "{empty}"], 78, "does not hold one token"),
])
def test_options_that_do_not_fit_are_refused(server, tmp_path, options, status, words):
    empty = tmp_path / "empty"
    empty.touch(0o600)
    options = [option.format(token=token_file(tmp_path), empty=empty) for option in options]

    found, text = refused(server, *options)

    assert found == status, text
    assert words in text


def test_http_to_another_machine_needs_a_word(server):
    # A name of this machine that is not known to be one.
    options = ["--server", server.http_url.replace("127.0.0.1", "127.1"), *server.remote[2:]]

    assert refused(server, *options)[0] == 64
    assert server.manage("user", "list", *options, "--insecure-http").returncode == 0


def test_the_certificate_is_checked(start_server, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True)
    server = start_server(TLS_KEY_FILE=str(tmp_path / "key.pem"), TLS_CERT_FILE=str(tmp_path / "cert.pem"))
    make_administrator(server)
    port = re.search(r":(\d+)/", server.url)[1]
    file = token_file(tmp_path, token_of(server, "remote", "read"))
    options = ["--token-file", file, "--ca-file", str(tmp_path / "cert.pem")]

    assert server.manage("user", "list", "--server", f"https://localhost:{port}", *options).returncode == 0
    unknown = refused(server, "--server", f"https://localhost:{port}", "--token-file", file)
    assert unknown[0] == 69
    assert "not trusted" in unknown[1] and "--ca-file PATH" in unknown[1]
    # The certificate is for another name.
    assert refused(server, "--server", f"https://127.0.0.1:{port}", *options)[0] == 69


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server that is not Parley, or lies."""

    answer = (200, {}, b"")
    seen = []

    def do_GET(self):
        self.seen.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("answer, status, words", [
    ((302, {"Location": "http://127.0.0.1:9/elsewhere"}, b""), 69, "redirects to 'http://127.0.0.1:9/elsewhere'"),
    ((200, {}, b"<html>Welcome</html>"), 1, "The server's answer cannot be read."),
    ((404, {}, b"not here"), 6, "answered with the HTTP status 404"), ((502, {}, b"bad gateway"), 69, "HTTP status 502"),
    ((503, {}, b"wait"), 75, "HTTP status 503"), ((429, {}, b"wait"), 75, "HTTP status 429"),
    ((403, {}, b"no"), 4, "HTTP status 403"),
    ((500, {"Content-Type": "application/problem+json"}, b"{" * 100_000), 1, "HTTP status 500"),
    ((200, {}, b"x" * (65 << 20)), 1, "more than 67108864 bytes"),
])
def test_answers_of_strangers_are_refused(server, tmp_path, answer, status, words):
    handler = type("Handler", (Stranger,), {"answer": answer, "seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_port}"

        found, text = refused(server, "--server", url, "--token-file", token_file(tmp_path))

        stranger.shutdown()
    assert found == status, text
    assert words in text
    assert len(handler.seen) == 1


# Jobs


def jobs_of(server, state):
    return [job for job in ask(server, "GET", "/jobs")[2]["jobs"] if job["state"] == state]


def test_ctrl_c_cancels_the_job(server):
    command = [BINARY, "flow", "seed", "--messages", "5000000", *server.remote]
    child = pexpect.spawn(command[0], command[1:], env=server.environment, timeout=60, encoding="utf-8")
    # The progress bar: the job is followed.
    child.expect(r"of 5000000 messages")
    running = jobs_of(server, "running")
    assert [job["operation"] for job in running] == ["flow.seed"]

    child.sendintr()

    child.expect("the server was asked to end the job")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    deadline = time.monotonic() + 60
    while jobs_of(server, "running"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert running[0]["id"] in [job["id"] for job in jobs_of(server, "cancelled")]


def test_a_question_after_a_job_can_be_left(server):
    command = [BINARY, "user", "delete", "admin", "--erase", *server.remote]
    child = pexpect.spawn(command[0], command[1:], env=server.environment, timeout=60, encoding="utf-8")
    child.expect(r"\[y/N\] ")

    child.sendintr()

    child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus == signal.SIGINT or child.exitstatus == 130
    assert server.manage("user", "show", "admin").returncode == 0


def test_a_restart_ends_the_job_and_the_command_says_so(start_server):
    server = start_server()
    make_administrator(server)
    server.tokens = {"write": token_of(server, "asking", "write")}
    options = remote_options(server, "writer")
    port = re.search(r":(\d+)/", server.url)[1]
    child = subprocess.Popen(
        [BINARY, "flow", "seed", "--messages", "5000000", *options], env=server.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not jobs_of(server, "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    server.kill()
    server.environment["PARLEY_SERVER_PORT"] = port
    server.start()

    errors = child.communicate(timeout=60)[1]
    assert "The server does not know the job any more, as after a restart." in errors
    assert child.returncode == 1
