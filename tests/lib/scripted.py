# SPDX-License-Identifier: MIT
"""A server that remembers all it is told: for facts about what goes over the wire to a server.

It speaks enough of PostgreSQL to be logged in to: it keeps statements, portals, the state of the
transaction, and skips after an error up to the next Sync, as PostgreSQL does. What a statement
answers is a function that a test gives. One thread accepts, one serves each connection.
"""

import collections
import socket
import struct
import threading

from deadline import PATIENCE
from wirepeer import Closed, Wire, cstring, message

# A message as it came: connection number, type, body, and which recv() its first byte came in.
Received = collections.namedtuple("Received", "conn type body chunk")
# A statement that ran: connection number, text, values, and whether by simple or extended query.
Executed = collections.namedtuple("Executed", "conn sql values simple")

PARAMETERS = {
    "server_version": "15.0", "server_encoding": "UTF8", "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY", "TimeZone": "UTC", "integer_datetimes": "on",
    "standard_conforming_strings": "on", "IntervalStyle": "postgres", "is_superuser": "off",
}


class Refused(Exception):
    """Raised by a script: the statement fails with this SQLSTATE and text."""

    def __init__(self, sqlstate, text="refused by the script"):
        super().__init__(text)
        self.sqlstate = sqlstate


def error(sqlstate, text, severity="ERROR"):
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": text}
    return message("E", b"".join(k.encode() + cstring(v) for k, v in fields.items()) + b"\0")


def row(*values):
    body = struct.pack("!H", len(values))
    for value in values:
        data = str(value).encode()
        body += struct.pack("!i", len(data)) + data
    return message("D", body)


def row_description(*names):
    body = struct.pack("!H", len(names))
    for name in names:
        body += cstring(name) + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0)
    return message("T", body)


def complete(tag):
    return message("C", cstring(tag))


def plain_answer(conn, sql, values):
    """The script that a server has unless it is given one: every statement does nothing well."""
    word = sql.split(None, 1)[0].upper().rstrip(";") if sql.strip() else ""
    return complete("SELECT 0" if word == "SELECT" else word)


class ScriptedServer:
    """Listens on a port of its own. script(conn, sql, values) returns the bytes that answer a
    statement, CommandComplete included, or raises Refused."""

    def __init__(self, script=plain_answer):
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = []
        self.executed = []
        self.logins = []
        self.closed = []
        self.refused = []
        self.one_byte_segments = False
        self.changed = threading.Condition()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.may_close_cancels = threading.Event()
        self.may_close_cancels.set()
        self.sockets = []
        self.threads = []

    def __enter__(self):
        self._spawn(self._accept)
        return self

    def __exit__(self, *exc):
        self.release()
        self.release_cancels()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.sockets):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread of the scripted server hangs"

    def hold(self):
        """From now on nothing is answered until release(); what comes is still recorded."""
        self.may_answer.clear()

    def release(self):
        self.may_answer.set()

    def hold_cancels(self):
        """From now on the connection of a CancelRequest stays open until release_cancels()."""
        self.may_close_cancels.clear()

    def release_cancels(self):
        self.may_close_cancels.set()

    def wait_for(self, fact, what):
        """Waits until fact(self) is true of what was recorded, and returns its value."""
        with self.changed:
            value = self.changed.wait_for(lambda: fact(self), PATIENCE)
        assert value, f"not within {PATIENCE:g} s: {what}; got {self.summary()}"
        return value

    def summary(self):
        return [(r.conn, r.type, r.body[:60]) for r in self.received]

    def from_conn(self, conn):
        return [r for r in self.received if r.conn == conn]

    def statements(self, conn=None):
        return [e.sql for e in self.executed if conn is None or e.conn == conn]

    def note(self, where, what):
        with self.changed:
            where.append(what)
            self.changed.notify_all()

    def _spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        number = 0
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(sock)
            self._spawn(Session(self, sock, number).serve)
            number += 1


class Session(Wire):
    """One connection to the scripted server. A thread reads and records; another answers, so that
    what arrives is known even while answers are held back."""

    def __init__(self, server, sock, number):
        super().__init__(sock)
        self.server = server
        self.number = number
        self.chunk = -1
        self.statements = {}
        self.portals = {}
        self.status = b"I"
        self.skipping = False
        self.inbox = collections.deque()
        self.ready = threading.Semaphore(0)

    def serve(self):
        try:
            if self._login():
                self.server._spawn(self._answer_all)
                self._record_all()
        except (Closed, OSError):
            pass
        finally:
            self.server.note(self.server.closed, self.number)
            self.inbox.append(None)
            self.ready.release()

    def send(self, *data):
        if not self.server.one_byte_segments:
            super().send(*data)
            return
        for byte in b"".join(data):
            super().send(bytes([byte]))

    def _fill(self):
        super()._fill()
        self.chunk += 1

    def _login(self):
        while True:
            size, code = struct.unpack("!II", self.take(8))
            body = self.take(size - 8)
            if code == 196608:
                break
            if code == 80877102:
                self.server.note(self.server.received, Received(self.number, "cancel", body, 0))
                self.server.may_close_cancels.wait()
                self.close()
                return False
            self.send(b"N")
        pairs = body[:-2].split(b"\0")
        login = dict(zip(map(bytes.decode, pairs[::2]), map(bytes.decode, pairs[1::2])))
        self.server.note(self.server.logins, login)
        answer = message("R", struct.pack("!I", 0))
        for name, value in PARAMETERS.items():
            answer += message("S", cstring(name) + cstring(value))
        answer += message("K", struct.pack("!II", 1000 + self.number, 4242))
        self.send(answer, message("Z", b"I"))
        return True

    def _record_all(self):
        while True:
            while len(self.pending) < 5:
                self._fill()
            chunk = self.chunk
            got = self.read()
            self.server.note(self.server.received, Received(self.number, *got, chunk))
            self.inbox.append(got)
            self.ready.release()

    def _answer_all(self):
        while True:
            self.ready.acquire()
            got = self.inbox.popleft()
            if got is None or got.type == "X":
                self.close()
                return
            self.server.may_answer.wait()
            try:
                self.send(self._answer(got))
            except OSError:
                return

    def _answer(self, got):
        if got.type == "S":
            self.skipping = False
            return self._ready()
        if self.skipping:
            return b""
        try:
            return self._HANDLERS[got.type](self, got.body)
        except Refused as refusal:
            self.server.note(self.server.refused, self.number)
            self.skipping = got.type != "Q"
            if self.status == b"T":
                self.status = b"E"
            answer = error(refusal.sqlstate, str(refusal))
            return answer + (self._ready() if got.type == "Q" else b"")

    def _ready(self):
        return message("Z", self.status)

    def _run(self, sql, values, simple):
        answer = self.server.script(self.number, sql, values)
        self.server.note(self.server.executed, Executed(self.number, sql, values, simple))
        word = sql.split(None, 1)[0].upper().rstrip(";") if sql.strip() else ""
        if word == "BEGIN":
            self.status = b"T"
        elif word in ("COMMIT", "ROLLBACK", "END"):
            self.status = b"I"
        elif sql.upper().startswith(("DISCARD ALL", "DEALLOCATE ALL")):
            self.statements.clear()
        return answer

    def _on_query(self, body):
        sql = body.rstrip(b"\0").decode()
        if not sql.strip(" ;"):
            return message("I") + self._ready()
        parts = [part.strip() for part in sql.split(";") if part.strip()]
        return b"".join(self._run(part, (), True) for part in parts) + self._ready()

    def _on_parse(self, body):
        name, sql, _ = body.split(b"\0", 2)
        self.statements[name] = sql.decode()
        return message("1")

    def _on_bind(self, body):
        portal, statement, rest = body.split(b"\0", 2)
        if statement not in self.statements:
            raise Refused("26000", "prepared statement does not exist")
        self.portals[portal] = (self.statements[statement], bind_values(rest))
        return message("2")

    def _on_describe(self, body):
        statement = message("t", b"\0\0") if body[:1] == b"S" else b""
        return statement + message("n")

    def _on_execute(self, body):
        portal = body.split(b"\0", 1)[0]
        if portal not in self.portals:
            raise Refused("34000", "portal does not exist")
        return self._run(*self.portals[portal], False)

    def _on_close(self, body):
        if body[:1] == b"S":
            self.statements.pop(body[1:-1], None)
        return message("3")

    def _on_nothing(self, body):
        return b""

    _HANDLERS = {"Q": _on_query, "P": _on_parse, "B": _on_bind, "D": _on_describe,
                 "E": _on_execute, "C": _on_close, "H": _on_nothing, "d": _on_nothing,
                 "c": _on_nothing, "f": _on_nothing}


def bind_values(rest):
    """The values of a Bind, out of what follows its two names: text, or None for NULL."""
    (formats,) = struct.unpack_from("!H", rest)
    at = 2 + 2 * formats
    (count,) = struct.unpack_from("!H", rest, at)
    at += 2
    values = []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", rest, at)
        at += 4
        values.append(None if size < 0 else rest[at:at + size].decode())
        at += max(size, 0)
    return tuple(values)
