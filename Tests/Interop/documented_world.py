# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What documented commands are run in: a folder with what a reader has, a terminal, and a server where one is needed."""

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pexpect
import pytest

from admin_client import make_administrator, token_of
from documented_answers import missing, seen
from reference_servers import make_fastchat, make_messenger, make_morelia
from server_process import BINARY, PostgresDatabase, Server

PASSWORD = "a long password"
SECONDS = 60
INTERRUPTED = 130
# What runs until somebody ends it: how, and with which status it ends then.
ENDED_BY = {
    "runserver": ("\x03", (0,)),
    "balancer": ("\x03", (0,)),
    "tail": ("\x03", (INTERRUPTED,)),
    "log tail": ("\x03", (INTERRUPTED,)),
    "top": ("q", (0, INTERRUPTED)),
    "testclient chat": ("/quit\r", (0,)),
}
NEEDS_SERVER = ("testclient", "tail", "top", "node", "reload", "log")
# Files that examples read.
FILES = {
    "secret.txt": PASSWORD, "password.txt": PASSWORD, "pw": PASSWORD,
    "users.csv": "login,password\nnewcomer,a long password",
}


class World:
    """A folder with settings, accounts, a group and files, and the program in PATH; a running server if that is needed."""

    def __init__(self, folder, template, needs_server):
        self.folder = Path(folder)
        self.database = None
        shutil.copytree(template, self.folder, dirs_exist_ok=True, symlinks=True)
        self.facts = json.loads((self.folder / "facts.json").read_text())
        self.server = Server(self.folder, CLUSTER_NODE="alpha", BALANCER_LISTEN="127.0.0.1:0", DATABASE_URI="sqlite:chat.db")
        self.environment = self.server.environment | {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder), "TERM": "xterm", "LANG": "C.UTF-8",
        }
        self.server.environment = self.environment
        if needs_server:
            # The ports in the settings are 0: bare commands find the server by asking it.
            self.server.start()

    def stop(self):
        self.server.stop()
        if self.database:
            self.database.drop()

    def make_database(self):
        """An empty database of PostgreSQL for an example, whose password is in a file, as users do it."""
        if "PARLEY_TEST_POSTGRES" not in os.environ:
            pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
        self.database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
        parts = self.database.parts
        passwords = self.folder / ".pgpass"
        passwords.write_text(f"*:*:*:{parts.username}:{parts.password}\n")
        passwords.chmod(0o600)
        self.environment["PGPASSFILE"] = str(passwords)
        self.facts["postgres"] = f"postgres://{parts.username}@{parts.hostname}:{parts.port}/{self.database.name}"

    def manage(self, *words):
        done = self.server.manage(*words, stdin=PASSWORD + "\n")
        assert done.returncode == 0, f"manage {' '.join(words)}: {done.stderr}"
        return done.stdout

    def stand_ins(self, command):
        """The command with the test's own hosts, ports and numbers in the place of those of the example."""
        flow = self.facts["flow"]
        words = {
            "/etc/parley/": f"{self.folder}/etc/",
            "/mnt/safe/": f"{self.folder}/etc/",
            "/srv/parley/": f"{self.folder}/etc/",
            "ssh backup.example.org": "sh -c",
            "ssh desk.example.org": "sh -c",
            "postgres://parley@localhost/parley": self.facts.get("postgres", ""),
            "277341582342374813": flow,
            "215904230163340943519829158143061442342": self.facts["message"],
            "--flow 1234": f"--flow {flow}",
            "add-member 2773 ": f"add-member {flow[:12]} ",
            "--session 17": f"--session {self.facts['session']}",
            "3f0a92c81b7e": self.facts["invite"],
            "3f0a92": self.facts["invite"][:6],
            "0.0.0.0:9000": f"127.0.0.1:{free_port()}",
            "--port 9000": f"--port {free_port()}",
            "wss://chat.example.org/ws": self.server.url or "",
            "https://chat.example.org": self.server.http_url if self.server.url else "",
            "tcp://chat.example.org:54321": self.server.addresses.get("messenger", ""),
            "Team:17": f"{self.facts['seeded_flow']}:0",
            "node drain 17": "node drain 1",
            "node resume 17": "node resume 1",
        }
        for printed, own in words.items():
            command = command.replace(printed, own)
        return command

    def spawn(self, command):
        """Starts a command at a terminal."""
        return pexpect.spawn(
            "/bin/bash", ["-c", command], cwd=str(self.folder), env=self.environment, timeout=SECONDS, dimensions=(24, 80),
            encoding="utf-8", codec_errors="replace")

    def run(self, command):
        """Runs a command at a terminal, answers what it asks, ends what does not end; returns its output and status."""
        child = self.spawn(command)
        name = " ".join(words_of(command)[:2])
        ending = next((value for key, value in ENDED_BY.items() if name.startswith(key) and not ends_itself(command)), None)
        if "--once" in command or "|" in command and name == "tail":
            ending = None
        shown = ""
        if ">>" in command:
            # What goes into a file shows nothing: the file tells when the command has begun.
            target = self.folder / command.split()[-1]
            while child.isalive() and not (target.exists() and target.stat().st_size):
                child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=0.05)
            child.sendintr()
            ending = None
        while True:
            patterns = [pexpect.EOF, r"(?i)pass(?:word|phrase)[^\n]*: ?$", r"\[y/N\] ?$", r"(?:User|Log)[a-z ]*: ?$",
                        r"\(not shown\): ?$"]
            if ending:
                patterns.append(STARTED[name.split()[0] if name.split()[0] in STARTED else name])
            found = child.expect(patterns)
            shown += child.before + (child.after if isinstance(child.after, str) else "")
            if found == 0:
                break
            if found == 5:
                child.send(ending[0])
                ending = None
            else:
                child.sendline([PASSWORD, "y", "admin", "postgres://user:secret@localhost/parley"][found - 1])
        child.close()
        status = 128 + child.signalstatus if child.signalstatus else child.exitstatus
        return shown, status


# What a command that goes on prints when it has begun.
STARTED = {
    "runserver": r"Try it from another terminal|Read-only: |Maintenance: ",
    "balancer": r"listening|is running|tcp://",
    "tail": r"\r\n",
    "log tail": r"\r\n",
    "top": r"(?i)clients|connections",
    "testclient chat": r"/help lists the commands",
}


def ends_itself(command):
    """Whether a command that may go on does not."""
    return "--once" in command or "log tail" in command and "--follow" not in command


def words_of(command):
    """The words after `manage`, without options in front of the subcommand."""
    words = re.split(r"\bmanage ", command, maxsplit=1)[1].split()
    while words and words[0].startswith("-"):
        words = words[2:]
    return words


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def fastchat_database():
    """The address of a FastChat server's database."""
    if "PARLEY_TEST_POSTGRES" not in os.environ:
        yield ""
        return
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    make_fastchat(database.uri, users=[(7, PASSWORD, "")])
    yield database.uri
    database.drop()


@pytest.fixture(scope="session")
def template(tmp_path_factory, fastchat_database):
    """A folder that each example gets a copy of."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "bin").mkdir()
    (folder / "bin" / "manage").symlink_to(Path(BINARY).resolve())
    for name in ("etc", ".zfunc", ".config/fish/completions", ".local/share/bash-completion/completions"):
        (folder / name).mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text + "\n")
    for name in ("holiday.jpg", "portrait.png"):
        (folder / name).write_bytes(b"\xff\xd8\xff\xe0 a picture")
    people = [{"uuid": "111", "login": "ann", "password": PASSWORD}]
    make_morelia(f"sqlite:{folder / 'morelia.db'}", {"users": people, "flows": [], "messages": [], "admins": []})
    make_messenger(folder / "messenger.db", [("ben", "", PASSWORD)], [])
    (folder / "fastchat-address.txt").write_text(fastchat_database)
    (folder / "request.json").write_text(
        json.dumps({
            "type": "authentication", "data": {"user": [{"login": "alice", "password": PASSWORD}]},
            "jsonapi": {"version": "1.0"}, "meta": None,
        }))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "chain.pem", "-days", "2",
         "-subj", "/CN=localhost"], cwd=folder, check=True, capture_output=True)
    server = Server(folder, DATABASE_URI="sqlite:chat.db")

    def manage(*words):
        done = server.manage(*words, stdin=PASSWORD + "\n")
        assert done.returncode == 0, f"manage {' '.join(words)}: {done.stderr}"
        return done.stdout

    (folder / "config.ini").unlink()
    manage("config", "init")
    shutil.copy(folder / "config.ini", folder / "etc" / "config.ini")
    manage("config", "set", "SERVER.NAME", "Parley")
    manage("db", "create")
    for login in ("alice", "bob", "eve", "helper"):
        manage("user", "create", "--login", login, "--password-stdin")
    flow = json.loads(manage("flow", "create", "--login", "alice", "--type", "group", "--title", "Team", "--member", "bob", "--json"))
    invite = json.loads(manage("invite", "create", "--json"))
    seeded = json.loads(manage("flow", "seed", "--json"))
    message = json.loads(manage("message", "list", str(find(seeded, "first_flow")), "--json"))
    (folder / "facts.json").write_text(json.dumps({
        "flow": str(find(flow, "uuid")), "message": str(find(message, "uuid")), "invite": str(find(invite, "id")),
        "seeded_flow": str(find(seeded, "first_flow")), "session": 1}))
    return folder


def find(report, name):
    """A member of a report, however deep."""
    if isinstance(report, dict):
        if name in report:
            return report[name]
        report = list(report.values())
    if isinstance(report, list):
        for part in report:
            if (found := find(part, name)) is not None:
                return found
    return None


def prepare(world, command):
    """What a reader of an example has done before."""
    words = " ".join(words_of(command))
    if words.startswith("flow add-member"):
        world.manage("flow", "remove-member", world.facts["flow"], "bob")
    if words.startswith(("user create --login alice", "superuser-create --username admin --login alice")):
        world.manage("user", "update", "alice", "--new-login", "alice.of.before")
    if words.startswith("user create --login helper"):
        world.manage("user", "update", "helper", "--new-login", "helper.of.before")
    if words.startswith("user create --login bob"):
        world.manage("user", "update", "bob", "--new-login", "bob.of.before")
    if words.startswith("user logout alice --session"):
        world.server.start()
        world.manage("testclient", "send", "-a", world.server.url, "-t", "ping_pong", "--login", "alice", "--password-stdin")
        sessions = json.loads(world.manage("user", "sessions", "alice", "--json"))
        world.facts["session"] = find(sessions, "id")
        assert world.facts["session"] is not None
    if words.startswith(("superuser delete", "superuser-totp", "token")):
        world.manage("superuser-create", "--username", "admin", "--password-stdin")
    if words.startswith("superuser-totp admin disable"):
        world.manage("superuser-totp", "admin", "enable")
    if "--server" in words:
        make_administrator(world.server)
        token = world.folder / "parley.token"
        token.write_text(token_of(world.server, "desk", "read"))
        token.chmod(0o600)
    if words.startswith("doctor --read"):
        world.run("manage doctor --bundle support.tar.gz")
    if words.startswith("token revoke"):
        world.manage("token", "create", "backup", "--superuser", "admin")
    if words.startswith(("db create", "config init")):
        for name in ("chat.db", "chat.db-wal", "chat.db-shm"):
            (world.folder / name).unlink(missing_ok=True)
    if words.startswith(("db restore", "backup verify")):
        (world.folder / "backup").mkdir()
        for name in ("backup/parley-20260131-033000.tar.gz", "parley.tar.gz"):
            world.manage("db", "backup", name)
    if words.startswith("db restore"):
        # Only an empty database takes a backup; the new settings name another one.
        for name in ("chat.db", "chat.db-wal", "chat.db-shm"):
            (world.folder / name).unlink(missing_ok=True)
        shutil.copy(world.folder / "config.ini", world.folder / "etc" / "new.ini")
    if words.startswith("db copy"):
        (world.folder / "address.txt").write_text("sqlite:copy.db\n")
    if "postgres:" in words:
        world.make_database()
    if words.startswith("config init"):
        for name in ("config.ini", "etc/config.ini"):
            (world.folder / name).unlink(missing_ok=True)
    if words.startswith("config restore config.ini."):
        shutil.copy(world.folder / "config.ini", world.folder / "config.ini.20260131-235959")
    if words.startswith("config restore"):
        for name in ("config.ini", "etc/config.ini"):
            for value in ("First", "Second"):
                world.manage("config", "set", "SERVER.NAME", value, "--config", str(world.folder / name))


@pytest.fixture
def world_for(tmp_path, template):
    worlds = []

    def make(command):
        world = World(tmp_path / "world", template, words_of(command)[0] in NEEDS_SERVER or "--server" in command)
        worlds.append(world)
        prepare(world, command)
        return world

    yield make
    for world in worlds:
        world.stop()


def check(world, command):
    name = " ".join(words_of(command)[:2])
    accepted = next((value[1] for key, value in ENDED_BY.items() if name.startswith(key) and not ends_itself(command)), (0,))
    if name.startswith("doctor"):
        # Findings of this machine are an answer, too.
        accepted = (0, 3)
    own = world.stand_ins(command)

    shown, status = world.run(own)

    assert status in accepted, f"{command}: status {status}\n{shown[-2000:]}"
    text = seen(world.folder, own, shown)
    assert not re.search(r"^Error: ", text, re.MULTILINE), f"{command}: {text[-2000:]}"
    expected = missing(command, " ".join(words_of(command)), text)
    assert expected is None, f"{command}: {expected!r} is not in\n{text[-2000:]}"
    if setting := re.match(r"config set [A-Z]+\.([A-Z_]+) ([^-]\S*)$", " ".join(words_of(own))):
        line = rf"^ *{setting[1]} *= *{re.escape(setting[2])}$"
        settings = (world.folder / "config.ini").read_text(encoding="utf-8")
        assert re.search(line, settings, re.MULTILINE), f"{command}: {line!r} is not in the settings"
