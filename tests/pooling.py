"""A pooler for PostgreSQL that gives out a connection for each transaction, as pgbouncer can.

It stands in for one where none is installed: a client has a connection of the server
from its first message until the server says that no transaction is open.
"""

import asyncio
import struct
import threading
from contextlib import contextmanager


READY, STARTUP_IS_OVER = b"Z", b"R\0\0\0\x08\0\0\0\0"
ASKING = (b"Q", b"S")
"""What a client sends to be told when the server is ready again."""


def _packet(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


async def _startup(reader):
    """Read what a client begins with."""
    (size,) = struct.unpack("!i", await reader.readexactly(4))
    return await reader.readexactly(size - 4)


async def _message(reader):
    kind = await reader.readexactly(1)
    (size,) = struct.unpack("!i", await reader.readexactly(4))
    return kind, await reader.readexactly(size - 4)


class Server:
    """A connection to the server, in the pool or given out."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.settings = b""

    @classmethod
    async def opened(cls, place, startup):
        self = cls(*await asyncio.open_connection(*place))
        self.writer.write(struct.pack("!i", len(startup) + 4) + startup)
        while True:
            kind, body = await _message(self.reader)
            if kind == b"S":
                self.settings += _packet(kind, body)
            if kind == b"E":
                raise ConnectionError(body)
            if kind == READY:
                return self


class Pooler:
    """Listens, and gives out *size* connections to the server at *place*."""

    def __init__(self, place, size):
        self.place, self.size = place, size
        self.idle, self.opened = [], 0
        self.is_free = asyncio.Condition()

    async def take(self, startup):
        """Wait for a connection, the one that was used last."""
        async with self.is_free:
            await self.is_free.wait_for(lambda: self.idle or self.opened < self.size)
            if self.idle:
                return self.idle.pop()
            self.opened += 1
        return await Server.opened(self.place, startup)

    async def give_back(self, server, *, is_whole):
        """Keep a connection for the next one; close it if a transaction was cut off."""
        async with self.is_free:
            if is_whole:
                self.idle.append(server)
            else:
                server.writer.close()
                self.opened -= 1
            self.is_free.notify_all()

    async def serve(self, reader, writer):
        """Serve one client until it is gone."""
        startup = await _startup(reader)
        while startup[:2] != b"\0\3":  # it asks for encryption first
            writer.write(b"N")
            startup = await _startup(reader)
        server = await self.take(startup)
        key = _packet(b"K", struct.pack("!ii", -7, 7))
        writer.write(STARTUP_IS_OVER + server.settings + key + _packet(READY, b"I"))
        await self.give_back(server, is_whole=True)
        try:
            while await self._transaction(reader, writer, startup):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _transaction(self, reader, writer, startup):
        """Carry one transaction; return whether the client stays."""
        first = await _message(reader)
        if first[0] == b"X":
            return False
        server = await self.take(startup)
        is_whole = False
        try:
            await self._carry(first, reader, writer, server)
            is_whole = True
        finally:
            await self.give_back(server, is_whole=is_whole)
        return True

    async def _carry(self, first, reader, writer, server):
        asked, message = 0, first
        while True:
            if message[0] == b"X":
                raise ConnectionError
            server.writer.write(_packet(*message))
            if message[0] in ASKING:
                answer = b""
                while answer[:1] != READY:
                    kind, body = await _message(server.reader)
                    answer = _packet(kind, body)
                    writer.write(answer)
                    asked += 1
                if body == b"I":
                    return
            message = await _message(reader)


@contextmanager
def pooler(host, port, size):
    """Yield the port of a pooler of *size* connections, in a thread of its own."""
    loop, told, is_there = asyncio.new_event_loop(), [], threading.Event()

    async def listen():
        carrier = Pooler((host, port), size)
        server = await asyncio.start_server(carrier.serve, "127.0.0.1", 0)
        told.append(server.sockets[0].getsockname()[1])
        is_there.set()

    def run():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert is_there.wait(10)
    try:
        yield told[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
