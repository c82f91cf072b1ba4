# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""People who use libskaro, the public client library, exactly as PyPI has it."""

import asyncio
import types

# The library was written before Python 3.11.
asyncio.coroutine = types.coroutine

import libskaro  # noqa: E402

TIMEOUT_SECONDS = 30
EVENTS = [
    "connect", "register_type", "received_session_id", "received_user_data", "get_contacts", "get_history",
    "send_message", "show_message", "info", "error",
]


def skaro_url(server):
    return server.url.removesuffix("/ws") + "/skaro"


def conversation(coroutine):
    """Runs one test's coroutine to its end."""
    return asyncio.run(asyncio.wait_for(coroutine, 2 * TIMEOUT_SECONDS))


class SkaroPerson:
    """One client of the library; its events wait in queues until a test asks for them."""

    def __init__(self, server, login, password="a password"):
        self.login, self.password = login, password
        self.client = libskaro.Client(skaro_url(server))
        self.events = {name: asyncio.Queue() for name in EVENTS}
        for name, events in self.events.items():
            getattr(self.client, f"on_{name}").add_observer(self._observer(events))
        self.connection = None

    @staticmethod
    def _observer(events):
        return lambda *arguments: events.put_nowait(arguments)

    async def __aenter__(self):
        self.connection = asyncio.create_task(self.client.connect())
        await self.next("connect")
        return self

    async def __aexit__(self, *_):
        if self.client.ws is not None:
            await self.client.ws.close()
        await asyncio.gather(self.connection, return_exceptions=True)

    async def next(self, name):
        """The arguments of the next event of that name; fails at once when the connection ends first."""
        event = asyncio.ensure_future(self.events[name].get())
        done, _ = await asyncio.wait(
            {event, self.connection}, timeout=TIMEOUT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if event in done:
            return event.result()
        event.cancel()
        if self.connection in done:
            raise AssertionError("the connection ended") from self.connection.exception()
        raise AssertionError(f"no on_{name} in {TIMEOUT_SECONDS} s")

    async def log_in(self):
        await self.client.authorize({"login": self.login, "password": self.password})
        return await self._received()

    async def restore(self, session):
        await self.client.session_restore(session)
        return await self._received()

    async def _received(self):
        [self.session] = await self.next("received_session_id")
        [self.user] = await self.next("received_user_data")
        return self

    async def shown(self, count=1):
        """The next messages: each with the conversation that the library files it under."""
        return [await self.next("show_message") for _ in range(count)]

    async def send(self, to, body):
        await self.client.send_message(to, body)
        dialog, answer, _ = await self.next("send_message")
        assert dialog == to
        return answer["data"]

    async def history(self, dialog):
        await self.client.get_history(dialog)
        asked, messages = await self.next("get_history")
        assert asked == dialog
        return messages

    async def cut(self):
        """Breaks the connection without a word."""
        self.client.ws.transport.abort()
        await asyncio.gather(self.connection, return_exceptions=True)
