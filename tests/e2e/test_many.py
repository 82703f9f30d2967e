# SPDX-License-Identifier: MIT
"""200 clients of 50 tenants over 5 server connections: every row of 100,000 transactions is checked."""

import asyncio
import random
import struct

from wirepeer import bind, execute, message, parse, query, row_values, startup, sync
from world import MANY, many_config

CLIENTS = 200
CONNECTIONS = 5
TRANSACTIONS = 100_000
SECONDS = 120
READY = message("Z", b"I")
# How the transactions are made up, by weight.
KINDS = ["simple"] * 6 + ["extended"] * 2 + ["one_query"] * 1 + ["three_queries"] * 1


class Tally:
    """What all clients did together."""

    def __init__(self, goal):
        self.left = goal
        self.done = 0
        self.rows = 0
        self.wrong = []


class Client(asyncio.Protocol):
    """Runs transactions until the tally is used up. Each asks for the tenant's rows and a number
    that only this transaction knows; each row that comes is compared with both."""

    def __init__(self, tenant, seed, tally, ended):
        self.tenant = tenant
        self.random = random.Random(seed)
        self.tally = tally
        self.ended = ended
        self.pending = b""
        self.steps = []
        self.expected = None
        self.rows = 0

    def connection_made(self, transport):
        self.transport = transport
        transport.write(startup(user="app", database="app", app__tenant=self.tenant))

    def connection_lost(self, exc):
        if not self.ended.done():
            self.ended.set_result(f"{self.tenant}: connection lost: {exc}")

    def data_received(self, data):
        self.pending += data
        at = 0
        while len(self.pending) - at >= 5:
            size = struct.unpack_from("!I", self.pending, at + 1)[0] + 1
            if len(self.pending) - at < size:
                break
            self.on_message(self.pending[at:at + 1], self.pending[at + 5:at + size])
            at += size
        self.pending = self.pending[at:]

    def on_message(self, kind, body):
        if kind == b"D":
            self.rows += 1
            self.tally.rows += 1
            if row_values(body) != self.expected:
                self.tally.wrong.append((self.tenant, self.expected, row_values(body)))
        elif kind == b"E":
            self.tally.wrong.append((self.tenant, body))
        elif kind == b"Z":
            self.on_ready()

    def on_ready(self):
        if not self.steps:
            if self.expected is not None:
                self.end_transaction()
            if not self.begin_transaction():
                return
        self.transport.write(self.steps.pop(0))

    def end_transaction(self):
        self.tally.done += 1
        if self.rows != 1:
            self.tally.wrong.append((self.tenant, f"{self.rows} rows"))

    def begin_transaction(self):
        if self.tally.left == 0:
            self.ended.set_result(None)
            self.transport.close()
            return False
        self.tally.left -= 1
        number = str(self.random.randrange(10**9))
        self.expected = [f"of {self.tenant}", number]
        self.rows = 0
        self.steps = self.make_steps(self.random.choice(KINDS), number)
        return True

    @staticmethod
    def make_steps(kind, number):
        sql = f"SELECT body, {number} FROM notes"
        if kind == "simple":
            return [query(sql)]
        if kind == "extended":
            return [parse("SELECT body, $1::text FROM notes") + bind([number]) + execute() + sync()]
        if kind == "one_query":
            return [query(f"BEGIN; {sql}; COMMIT")]
        return [query("BEGIN"), query(sql), query("ROLLBACK")]


async def load(port, tally):
    loop = asyncio.get_running_loop()
    ends = []
    for number in range(CLIENTS):
        ended = loop.create_future()
        tenant = MANY[number % len(MANY)]
        await loop.create_connection(lambda: Client(tenant, number, tally, ended),
                                     "127.0.0.1", port)
        ends.append(ended)
    problems = await asyncio.wait_for(asyncio.gather(*ends), SECONDS)
    return [problem for problem in problems if problem]


def server_connections(cluster, user):
    return cluster.run("SELECT count(*) FROM pg_stat_activity WHERE usename = %s",
                       params=(user,))[0][0]


def test_every_row_belongs_to_the_tenant_that_asked(start, cluster, figure):
    before = server_connections(cluster, "app")
    daemon = start(tenants=many_config(CONNECTIONS))
    tally = Tally(TRANSACTIONS)

    problems = asyncio.run(load(daemon.port, tally))

    assert problems == []
    assert tally.wrong[:10] == []
    assert tally.done == TRANSACTIONS and tally.rows == TRANSACTIONS
    assert server_connections(cluster, "app") - before == CONNECTIONS
    figure(f"{tally.done} transactions of {CLIENTS} clients of {len(MANY)} tenants over "
           f"{CONNECTIONS} server connections: {len(tally.wrong)} wrong")
