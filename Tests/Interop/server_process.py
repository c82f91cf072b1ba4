# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The program under test as a child process, with a database and a folder of its own."""

import ctypes
import fcntl
import os
import queue
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

BINARY = os.environ.get(
    "PARLEY_TEST_BINARY", str(Path(__file__).resolve().parents[2] / ".build" / "debug" / "manage")
)
START_SECONDS = 60
STOP_SECONDS = 20
ADDRESS = re.compile(r"^  (\w[\w ]*?)  +(\w+://\S+)$")
PR_SET_PDEATHSIG = 1

# Argon2id at its smallest: these tests are about the protocol, not about the cost of guessing.
CHEAP_HASHES = {"PARLEY_HASH_SIZE_ARGON2_MEMORY": "8 KiB", "PARLEY_HASH_SIZE_ARGON2_ITERATIONS": "1"}

# Becomes a program that finds sockets at descriptors from 3 on, as systemd starts one; they have numbers far above.
PASS_SOCKETS = """
import os, sys
descriptors, names, program = sys.argv[1].split(","), sys.argv[2], sys.argv[3:]
for place, descriptor in enumerate(map(int, descriptors)):
    os.dup2(descriptor, 3 + place)
    os.close(descriptor)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(descriptors)), "LISTEN_FDNAMES": names}
os.execv(program[0], program)
"""


class Failed(AssertionError):
    """The program did not do what a test needs; the text holds its last words."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """`manage runserver` on a free port. Settings go through the environment, as an operator might set them."""

    def __init__(self, folder, database=None, **settings):
        self.folder = Path(folder)
        self.config = self.folder / "config.ini"
        self.config.touch()
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")
        }
        self.environment |= CHEAP_HASHES | {
            "PARLEY_DATABASE_URI": database.uri if database else f"sqlite:{self.folder / 'chat.db'}",
            "PARLEY_SERVER_PORT": "0",
            "PARLEY_MESSENGER_PORT": "0",
            "PARLEY_FASTCHAT_PORT": "0",
            "PARLEY_METRICS_LISTEN": "127.0.0.1:0",
        }
        self.environment |= {f"PARLEY_{name}": value for name, value in settings.items()}
        self.url = None
        # By the name that the server gives a protocol at the start, such as "messenger": "tcp://127.0.0.1:40123".
        self.addresses = {}
        self.process = None
        self.output = []
        # Sockets that the program is given, by their names.
        self.sockets = {}

    def manage(self, *arguments, stdin=None):
        """Runs another command on the same settings and returns its finished process."""
        return subprocess.run(
            [BINARY, *arguments, "--config", str(self.config)],
            cwd=self.folder, env=self.environment, input=stdin, text=True, capture_output=True, timeout=60, check=False,
        )

    def prepare_database(self):
        """`runserver` makes an SQLite database by itself; a PostgreSQL one wants a command."""
        done = self.manage("db", "create")
        if done.returncode != 0:
            raise Failed(f"'manage db create' ended with {done.returncode}: {done.stderr}")

    def start(self, *options):
        """Starts the server, with options of `runserver` if there are any, and waits until it serves."""
        self.addresses = {}
        self.errors = open(self.folder / "stderr.txt", "a+", encoding="utf-8")
        command = [BINARY, "runserver", "--config", str(self.config), *options]
        passed = [fcntl.fcntl(socket.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for socket in self.sockets.values()]
        if passed:
            numbers = ",".join(map(str, passed))
            command = [sys.executable, "-c", PASS_SOCKETS, numbers, ":".join(self.sockets), *command]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True, bufsize=1, pass_fds=passed,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=_die_with_parent,
        )
        for descriptor in passed:
            os.close(descriptor)
        lines = queue.Queue()
        threading.Thread(target=self._drain, args=(self.process, lines), daemon=True).start()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                line = lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"no address after {START_SECONDS} s. {self.last_words()}") from None
            if line is None:
                raise Failed(f"the server ended with {self.process.wait()}. {self.last_words()}")
            if found := ADDRESS.match(line):
                self.addresses[found[1]] = found[2]
            elif self.addresses:
                self.url = self.addresses.get("MTP")
                return self

    def _drain(self, process, lines):
        for line in process.stdout:
            self.output.append(line)
            lines.put(line)
        lines.put(None)

    def place_of(self, protocol):
        """Host and port of a protocol with a TCP port of its own, such as messenger."""
        place = urllib.parse.urlsplit(self.addresses[protocol])
        return place.hostname, place.port

    @property
    def http_url(self):
        return self.url.replace("ws://", "http://").removesuffix("/ws")

    def last_words(self):
        self.errors.flush()
        text = (self.folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")
        return f"stdout: {''.join(self.output[-20:])}\nstderr: {text[-3000:]}"

    def stop(self):
        """Ends the server as an operator does, and insists that it ends well."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"the server did not end {STOP_SECONDS} s after SIGTERM. {self.last_words()}") from None
        finally:
            self.errors.close()
        if status != 0:
            raise Failed(f"the server ended with {status} after SIGTERM. {''.join(self.output[-20:])}")

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.wait()
        self.errors.close()


class PostgresDatabase:
    """A database of its own on the PostgreSQL that Scripts/test has started."""

    def __init__(self, server_uri):
        self.parts = urllib.parse.urlsplit(server_uri)
        self.name = f"interop_{secrets.token_hex(8)}"
        self.run(f'CREATE DATABASE "{self.name}"')

    @property
    def uri(self):
        return urllib.parse.urlunsplit(self.parts._replace(path=f"/{self.name}"))

    def load(self, sql):
        """Runs statements in the database."""
        self.run(sql, self.name)

    def drop(self):
        self.run(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def run(self, sql, database=None):
        """Executes a statement, in the server's first database unless another is named; returns what it shows."""
        environment = os.environ | {
            "PGHOST": self.parts.hostname,
            "PGPORT": str(self.parts.port or 5432),
            "PGUSER": urllib.parse.unquote(self.parts.username or ""),
            "PGPASSWORD": urllib.parse.unquote(self.parts.password or ""),
            "PGDATABASE": database or self.parts.path.removeprefix("/"),
        }
        command = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--tuples-only", "--command", sql]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout
