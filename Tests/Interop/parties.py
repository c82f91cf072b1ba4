# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The same person's doings on each of the protocols: come, go, write to somebody, read what comes.

Every login is a number, so that FastChat's clients, which know nothing else, can name everybody.
"""

import asyncio
import itertools
import threading

import rsa

import fastchat_client
import messenger_client
import mtp_client
from skaro_person import TIMEOUT_SECONDS, SkaroPerson

PASSWORD = "a password"
_numbers = itertools.count(20_000)


class Party:
    """Somebody with an account; `protocol` names the client that they use."""

    protocol = None

    def __init__(self, server, keys):
        self.server = server
        self.keys = keys
        self.is_here = False
        self.number = next(_numbers)
        self.login = str(self.number)
        self.sign_up()
        self.uuid = self.look_up_uuid()

    def sign_up(self):
        person = mtp_client.Person(self.server, self.login, PASSWORD)
        person.client.close()

    def arrive(self):
        self.come()
        self.is_here = True

    def leave(self):
        if self.is_here:
            self.is_here = False
            self.go()

    def look_up_uuid(self):
        """Any account can log in with MTP, whatever it was made with; MTP's people name each other by uuid."""
        client = mtp_client.Client(self.server.url)
        answer = client.request("authentication", {"user": [{"login": self.login, "password": PASSWORD}]})
        client.close()
        assert answer.code == 200, answer
        return answer.users[0]["uuid"]

    def read_until(self, text):
        """Reads up to a message with that text; returns its sender's login."""
        seen = []
        while True:
            sender, found = self.read()
            if found == text:
                return sender
            seen.append(found)
            assert len(seen) < 100, seen


class MTPParty(Party):
    protocol = "mtp"

    def __init__(self, server, keys):
        self.cursor = None
        self.waiting = []
        super().__init__(server, keys)

    def sign_up(self):
        self.person = mtp_client.Person(self.server, self.login, PASSWORD)
        self.cursor = self.person.cursor()
        self.person.client.close()

    def come(self):
        self.person.reconnect()
        missed = self.person.ask("get_update", {}, meta={"since": self.cursor, "push": True})
        assert missed.code == 200, missed
        self.take(missed)

    def take(self, answer):
        self.waiting += [message for message in answer.messages if message["from_user"] != self.uuid]
        self.cursor = answer.meta["since"]

    def go(self):
        self.person.client.close()

    def read(self):
        while not self.waiting:
            self.take(self.person.client.push())
        message = self.waiting.pop(0)
        self.last_flow = message["from_flow"]
        return self.name_of(message["from_user"]), message["text"]

    def name_of(self, uuid):
        """MTP shows no login of others; who chose no username has the login as one."""
        [user] = [user for user in self.person.user_info(uuid).users if user["uuid"] == uuid]
        return user["username"]

    def write(self, other, text):
        self.person.say(self.person.make_flow(self, other, type="chat"), text)

    def write_to_group(self, text):
        self.person.say(self.last_flow, text)


class SkaroParty(Party):
    """libskaro in a thread of its own, as it wants an event loop."""

    protocol = "skaro"

    def come(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.client = self.run(self._come())

    async def _come(self):
        client = SkaroPerson(self.server, self.login, PASSWORD)
        await client.__aenter__()
        return await client.log_in()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(2 * TIMEOUT_SECONDS)

    def go(self):
        self.run(self.client.__aexit__())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(TIMEOUT_SECONDS)
        self.loop.close()

    def read(self):
        [(dialog, message)] = self.run(self.client.shown())
        self.last_dialog = dialog
        return message["from"]["login"], message["body"]

    def write(self, other, text):
        self.run(self.client.send(other.login, text))

    def write_to_group(self, text):
        self.run(self.client.send(self.last_dialog, text))


class MessengerParty(Party):
    protocol = "messenger"

    def come(self):
        self.client = messenger_client.Client(self.server)
        assert self.client.log_in(self.login, PASSWORD).kind == "logged in"

    def go(self):
        self.client.close()

    def read(self):
        [(sender, text)] = self.client.messages(1)
        return sender, text

    def write(self, other, text):
        self.client.send(other.login, text)
        self.client.settle()

    def write_to_group(self, text):
        self.client.send(f"#{self.group}", text)
        self.client.settle()


class FastChatParty(Party):
    protocol = "fastchat"

    def sign_up(self):
        client = self.connection()
        reply = client.register(self.number, PASSWORD, self.place[2], self.keys)
        assert reply["server_message"] == "Registered and Connected", reply
        client.close()

    def connection(self):
        self.place = fastchat_client.ask_balancer(self.server.place_of("Balancer"))
        return fastchat_client.Client(self.place)

    def come(self):
        self.client = self.connection()
        reply = self.client.log_in(self.number, PASSWORD, self.place[2], self.keys)
        assert reply["server_message"] == "Succesful Login!", reply

    def go(self):
        self.client.close()

    def read(self):
        sender, self.group, text = self.client.message()
        return str(sender), text

    def write(self, other, text):
        self.client.write(text, other.number)
        # Requests of a connection are done in order: the answer to this one says that the message is stored.
        self.client.keys(other.number)

    def write_to_group(self, text):
        self.client.write_to_group(text, self.group)
        self.client.keys(self.group, is_group=1)


PROTOCOLS = {party.protocol: party for party in (MTPParty, SkaroParty, MessengerParty, FastChatParty)}


def new_keys():
    """A key pair as old FastChat clients have them."""
    return rsa.newkeys(1024)
