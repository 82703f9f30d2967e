# SPDX-License-Identifier: MIT
"""A server's budget over many pools, where the server itself allows no connection more."""

import asyncio
import struct

import pytest
from cluster import Cluster
from proxy import Proxy, base_config
from wirepeer import query, row_values, startup

PLACES = 50
TENANTS = 500
ROUNDS = 2
AT_ONCE = 120
# What a server process has to clear away before it ends, and its place is free.
TO_BE_CLEARED = """DO $$ BEGIN FOR i IN 1..4 LOOP
    EXECUTE format('CREATE TEMP TABLE IF NOT EXISTS t%s (n int)', i);
END LOOP; END $$;"""


@pytest.fixture(scope="module")
def full_server():
    """Ordinary roles get PLACES connections, and not one more."""
    with Cluster(max_connections=str(PLACES + 3), superuser_reserved_connections="3") as server:
        server.run("CREATE ROLE app LOGIN")
        server.run("CREATE DATABASE app")
        yield server


def config(server_port, workers=1):
    tenants = {"defaults": {"server": "main", "database": "app", "strategy": "database",
                            "dedicated": {"name": "app"}, "login": {"user": "app"},
                            "pool": {"size": 3}}}
    tenants.update({f"t{number}": {} for number in range(TENANTS)})
    servers = {"main": {"host": "127.0.0.1", "port": server_port, "max_connections": PLACES}}
    return base_config(server_port, tenants=tenants, servers=servers, workers=workers,
                       log={"level": "warning"})


class Client:
    """One tenant's client: its query must be answered with its number, and without an error."""

    def __init__(self, number):
        self.number = number

    async def messages(self):
        """Yields what comes, up to ReadyForQuery."""
        while True:
            head = await asyncio.wait_for(self.reader.readexactly(5), 60)
            body = await self.reader.readexactly(struct.unpack("!xI", head)[0] - 4)
            assert head[:1] != b"E", body
            yield head[:1], body
            if head[:1] == b"Z":
                return

    async def log_in(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(startup(user="app", database="app", app__tenant=f"t{self.number}"))
        async for _ in self.messages():
            pass

    async def ask(self, turn):
        expected = f"{self.number}/{turn}"
        self.writer.write(query(TO_BE_CLEARED + f"SELECT '{expected}'"))
        rows = [row_values(body) async for kind, body in self.messages() if kind == b"D"]
        assert rows == [[expected]]


async def take_turns(port):
    clients = [Client(number) for number in range(TENANTS)]
    gate = asyncio.Semaphore(AT_ONCE)

    async def through_gate(step):
        async with gate:
            await step

    await asyncio.gather(*(through_gate(client.log_in(port)) for client in clients))
    for turn in range(ROUNDS):
        await asyncio.gather(*(through_gate(client.ask(turn)) for client in clients))
    for client in clients:
        client.writer.close()


def test_500_tenants_take_turns_over_as_many_connections_as_the_server_allows(full_server):
    """A place is given to the next only when the server has closed its end: a login that came
    before would find no place there (53300)."""
    with Proxy(config(full_server.port)) as daemon:
        asyncio.run(take_turns(daemon.port))

        assert "too many clients" not in daemon.log
        assert "remaining connection slots" not in daemon.log
    assert "remaining connection slots" not in full_server.log
