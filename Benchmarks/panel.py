#!/usr/bin/env python3
# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""How long each page of the admin panel takes, on a database with many users and messages; or what a panel that is used
costs the chat.

Usage: Benchmarks/panel.py [--binary FILE] [--users N] [--flows N] [--messages N] [--requests N] [--folder FOLDER]
       [--postgres URI]
       Benchmarks/panel.py --beside .build/release/SendMessage [--binary FILE] [--rounds N] [--seconds N] [--shape NxN]

Makes the database with 'manage flow seed' in FOLDER (kept there for the next run), starts the server on it, logs in as
an administrator and asks for every page so many times over one connection. Prints for each, as Markdown, what a request
takes of the server's processor, the median, the 99th percentile and the longest, in milliseconds.

With --beside it runs the benchmark SendMessage on SQLite, a round without the panel and one with it in turn, the first of
a pair by turns. The panel's user has the overview open, which asks for its numbers every two seconds, and asks for
another page every second. Prints each round and, as Markdown, the medians and the ratios of the pairs.
"""

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "a long enough secret"
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "manage"))
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--folder", default="/tmp/parley-panel")
    parser.add_argument("--postgres", help="the address of an empty database, or one that an earlier run has filled")
    parser.add_argument("--beside", help="the program SendMessage: measure what the panel costs the chat")
    parser.add_argument("--rounds", type=int, default=10, help="of --beside: pairs of rounds")
    parser.add_argument("--seconds", type=int, default=3, help="of --beside: how long a round takes")
    parser.add_argument("--shape", default="64x8", help="of --beside: connections x outstanding requests")
    return parser.parse_args()


class Visitor:
    """A person with the panel open."""

    def log_in(self, place):
        self.connection = http.client.HTTPConnection(place, timeout=60)
        self.cookies = {}
        token = TOKEN.search(self.ask("GET", "/admin/login")[1])[1]
        fields = {"username": "bench", "password": PASSWORD, "form_token": token}
        status, _ = self.ask("POST", "/admin/login", urllib.parse.urlencode(fields))
        if status != 303:
            sys.exit(f"The login failed with {status}.")

    def ask(self, method, path, body=None):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # The server has closed a connection that had no request for a while.
            self.connection.close()
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return response.status, response.read().decode()


class Panel(Visitor):
    def __init__(self, chosen):
        self.folder = Path(chosen.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = str(Path(chosen.binary).resolve())
        self.config = self.folder / "config.ini"
        self.config.touch()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")} | {
            "PARLEY_DATABASE_URI": chosen.postgres or f"sqlite:{self.folder / 'chat.db'}",
            "PARLEY_SERVER_PORT": "0", "PARLEY_MESSENGER_PORT": "0", "PARLEY_FASTCHAT_PORT": "0",
            "PARLEY_METRICS_LISTEN": "127.0.0.1:0", "PARLEY_RATE_LIMIT_ENABLED": "off",
        }

    def manage(self, *words, stdin=None):
        return subprocess.run(
            [self.binary, *words, "--config", str(self.config)], cwd=self.folder, env=self.environment, input=stdin,
            text=True, capture_output=True, check=False)

    def prepare(self, chosen):
        self.manage("db", "create")
        if self.manage("superuser", "list", "--json").stdout.count("bench"):
            return
        began = time.monotonic()
        for words, stdin in (
            (["superuser-create", "--username", "bench", "--login", "bench", "--password-stdin"], PASSWORD + "\n"),
            (["flow", "seed", "--users", str(chosen.users), "--flows", str(chosen.flows), "--messages",
              str(chosen.messages)], None),
        ):
            done = self.manage(*words, stdin=stdin)
            if done.returncode != 0:
                sys.exit(done.stderr)
        print(f"Made the database in {time.monotonic() - began:.0f} s.", file=sys.stderr)

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "runserver", "--config", str(self.config)], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if found := re.match(r"\s*Home page\s+http://([^/]+)/", line):
                place = found[1]
                break
        else:
            sys.exit("The server did not start.")
        self.log_in(place)

    def processor(self):
        """How many milliseconds of processors the server has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def measure(self, path, requests):
        times = []
        used = self.processor()
        for _ in range(requests):
            began = time.perf_counter()
            status, text = self.ask("GET", path)
            times.append((time.perf_counter() - began) * 1000)
            if status != 200:
                sys.exit(f"{path} answered with {status}: {text[-300:]}")
        used = (self.processor() - used) / requests
        times.sort()
        return used, times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))], times[-1]


class Use(Visitor, threading.Thread):
    """The panel of the server at a port, used from when it is there until the end."""

    PAGES = ["/admin/users", "/admin/flows", "/admin/messages?words=parley", "/admin/nodes", "/admin/audit", "/admin"]

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.may_end = threading.Event()
        self.answers = 0
        self.refusal = None

    def run(self):
        while not self.may_end.is_set() and not self.refusal:
            try:
                self.log_in(f"127.0.0.1:{self.port}")
                self.look()
            except (OSError, http.client.HTTPException):
                # Not there yet, or gone.
                self.may_end.wait(0.05)

    def look(self):
        second = 0
        while not self.may_end.wait(1):
            second += 1
            paths = [self.PAGES[second % len(self.PAGES)]] + ["/admin/live"] * (second % 2)
            for path in paths:
                status, text = self.ask("GET", path)
                if status != 200:
                    self.refusal = f"{path} answered with {status}: {text[-300:]}"
                    return
                self.answers += 1


def round_beside(chosen, folder, is_used):
    """One round of SendMessage: requests a second, of the durable echo, 99th percentile, and processor time of a request."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # SendMessage makes the database and the settings; the administrator is to be there before the server.
    program = Path(folder) / "manage"
    binary = Path(chosen.binary).resolve()
    make = f"{binary} superuser-create --username bench --login bench --password-stdin"
    program.write_text(
        f"#!/bin/sh\n[ $1 != runserver ] || echo '{PASSWORD}' | {make} $2 $3 >&2\nexec {binary} \"$@\"\n", encoding="utf-8")
    program.chmod(0o700)
    use = Use(port)
    if is_used:
        use.start()
    done = subprocess.run(
        [chosen.beside, "--server", str(program), "--measures", "send_message", "--shapes", chosen.shape, "--push", "off",
         "--databases", "sqlite", "--rounds", "1", "--seconds", str(chosen.seconds)],
        env=os.environ | {"PARLEY_SERVER_PORT": str(port)}, capture_output=True, text=True, check=False)
    use.may_end.set()
    if is_used:
        use.join()
    rows = [line for line in done.stdout.splitlines() if line.startswith("send_message: Parley")]
    if done.returncode != 0 or not rows:
        sys.exit(done.stdout + done.stderr)
    # "send_message: Parley, SQLite  64x8  off  4105  0.37  0.51  -  116.22  268.54  47.1 …"
    fields = rows[-1].split("SQLite", 1)[1].split()
    print(f"{'with' if is_used else 'without'}: {' '.join(fields[2:9])}, {use.answers} answers of the panel", file=sys.stderr)
    if use.refusal or is_used and use.answers < chosen.seconds:
        sys.exit(use.refusal or "The panel was hardly used.")
    return [float(fields[place]) for place in (2, 4, 7, 8)]


def measure_beside(chosen):
    names = ["requests/s", "of the durable echo", "99 % in ms", "processor µs/request"]
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.rounds):
            order = (False, True) if number % 2 == 0 else (True, False)
            found = {is_used: round_beside(chosen, folder, is_used) for is_used in order}
            pairs.append((found[False], found[True]))
    print("| | without | with | ratio: median | least | most |\n|---|---:|---:|---:|---:|---:|")
    for place, name in enumerate(names):
        without, used = ([pair[side][place] for pair in pairs] for side in (0, 1))
        ratios = [b / a for a, b in zip(without, used)]
        print(f"| {name} | {statistics.median(without):g} | {statistics.median(used):g} | {statistics.median(ratios):.2f} "
              f"| {min(ratios):.2f} | {max(ratios):.2f} |")


def main():
    chosen = options()
    if chosen.beside:
        return measure_beside(chosen)
    panel = Panel(chosen)
    panel.prepare(chosen)
    panel.start()
    try:
        users = re.findall(r'/admin/users/show\?login=([^"]+)"', panel.ask("GET", "/admin/users")[1])
        flows = re.findall(r'/admin/flows/show\?flow=(\d+)"', panel.ask("GET", "/admin/flows")[1])
        pages = [
            "/admin", "/admin/live", "/admin/users", f"/admin/users?after={chosen.users // 2}", "/admin/users?search=a",
            "/admin/users?search=nobody-at-all", f"/admin/users/show?login={users[-1]}", "/admin/flows",
            "/admin/flows?title=nothing-at-all", f"/admin/flows/show?flow={flows[-1]}",
            f"/admin/flows/show?flow={flows[-1]}&after=100", "/admin/messages?words=message", "/admin/messages?words=nowhere",
            "/admin/invites", "/admin/nodes", "/admin/administrators", "/admin/audit", "/admin/audit?who=bench",
            "/admin/backups", "/admin/settings",
        ]
        status = json.loads(panel.manage("db", "status", "--json").stdout)
        print(f"{json.dumps(status.get('counts'))}\n")
        print("| Page | processor | median | 99 % | longest |\n|---|---:|---:|---:|---:|")
        for path in pages:
            panel.measure(path, 3)
            used, median, high, longest = panel.measure(path, chosen.requests)
            print(f"| `{path}` | {used:.1f} ms | {median:.1f} ms | {high:.1f} ms | {longest:.1f} ms |", flush=True)
    finally:
        panel.process.terminate()
        panel.process.wait()


if __name__ == "__main__":
    main()
