# SPDX-License-Identifier: MIT
"""PostgreSQL's protocol 3.0 by hand: messages built and parsed, and a raw client.

For tests that must see or send exactly what is on the wire. Drivers serve where they can.
"""

import base64
import collections
import hashlib
import hmac
import os
import socket
import struct

from deadline import PATIENCE, wait_until

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102

Message = collections.namedtuple("Message", "type body")


class Closed(Exception):
    """The peer closed the connection; `seen` are the messages that came before."""

    def __init__(self, seen=()):
        super().__init__(f"connection closed after {[m.type for m in seen]}")
        self.seen = list(seen)


# Building: each returns the bytes of one message.


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def cstring(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def packet(code, body=b""):
    """A message without a type, as they stand before the login."""
    return struct.pack("!II", len(body) + 8, code) + body


def startup(**parameters):
    """A StartupMessage. `__` in a name stands for a dot: app__tenant is app.tenant."""
    pairs = ((name.replace("__", "."), value) for name, value in parameters.items())
    body = b"".join(cstring(name) + cstring(value) for name, value in pairs)
    return packet(PROTOCOL_3, body + b"\0")


def cancel_request(pid, key):
    return packet(CANCEL_REQUEST, struct.pack("!I", pid) + key)


def query(sql):
    return message("Q", cstring(sql))


def parse(sql, name="", oids=()):
    types = struct.pack(f"!H{len(oids)}I", len(oids), *oids)
    return message("P", cstring(name) + cstring(sql) + types)


def bind(values=(), statement="", portal=""):
    """Values are text, bytes as they are, or None for NULL; results come as text."""
    body = cstring(portal) + cstring(statement) + struct.pack("!HH", 0, len(values))
    for value in values:
        if value is None:
            body += struct.pack("!i", -1)
        else:
            data = value if isinstance(value, bytes) else str(value).encode()
            body += struct.pack("!i", len(data)) + data
    return message("B", body + struct.pack("!H", 0))


def describe(kind="P", name=""):
    return message("D", kind.encode() + cstring(name))


def execute(portal="", rows=0):
    return message("E", cstring(portal) + struct.pack("!I", rows))


def close(kind, name):
    return message("C", kind.encode() + cstring(name))


def sync():
    return message("S")


def flush():
    return message("H")


def terminate():
    return message("X")


def extended(sql, *values):
    """One whole batch: Parse, Bind, Execute, Sync."""
    return parse(sql) + bind(values) + execute() + sync()


# Parsing.


def error_fields(body):
    """The fields of an ErrorResponse or NoticeResponse by their letter."""
    parts = body.decode(errors="backslashreplace").split("\0")
    return {part[0]: part[1:] for part in parts if part}


def row_values(body):
    """A DataRow as a list of text, or None for NULL."""
    (count,) = struct.unpack_from("!H", body)
    at, values = 2, []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        if size < 0:
            values.append(None)
        else:
            values.append(body[at:at + size].decode())
            at += size
    return values


def rows_of(messages):
    return [row_values(m.body) for m in messages if m.type == "D"]


def errors_of(messages):
    return [error_fields(m.body) for m in messages if m.type == "E"]


def tags_of(messages):
    return [m.body.rstrip(b"\0").decode() for m in messages if m.type == "C"]


class Wire:
    """A connected socket that is read message by message."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def send(self, *data):
        self.sock.sendall(b"".join(data))

    def send_apart(self, *pieces):
        """Each once the peer has read all before it, so that it sees them one by one."""
        for piece in pieces:
            self.send(piece)
            wait_until(self._is_read, "the peer has read what was sent", step=0.001)

    def _is_read(self):
        """Whether nothing waits in the receive queue of the other end, a TCP socket of this
        machine."""
        ours, theirs = (f"{socket.inet_aton(host)[::-1].hex().upper()}:{port:04X}"
                        for host, port in (self.sock.getsockname(), self.sock.getpeername()))
        with open("/proc/net/tcp", encoding="ascii") as file:
            for line in file:
                fields = line.split()
                if fields[1:3] == [theirs, ours]:
                    return fields[4].endswith(":00000000")
        return True

    def close(self):
        self.sock.close()

    def abort(self):
        """Closes with a reset, as a process that is killed with unread bytes does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def take(self, count):
        """Exactly `count` bytes; Closed when the peer ends before."""
        while len(self.pending) < count:
            self._fill()
        data = bytes(self.pending[:count])
        del self.pending[:count]
        return data

    def read(self):
        """The next message."""
        while len(self.pending) < 5:
            self._fill()
        kind, size = chr(self.pending[0]), struct.unpack_from("!I", self.pending, 1)[0]
        return Message(kind, self.take(size + 1)[5:])

    def read_until(self, kinds="Z", count=1):
        """Messages up to and including the count-th of one of these types."""
        seen = []
        while count > 0:
            try:
                seen.append(self.read())
            except Closed:
                raise Closed(seen) from None
            count -= seen[-1].type in kinds
        return seen

    def discard_until(self, end):
        """Reads and drops bytes until they end with `end`; returns how many they were."""
        size, tail = 0, b""
        while not tail.endswith(end):
            if not self.pending:
                self._fill()
            size += len(self.pending)
            tail = (tail + bytes(self.pending[-len(end):]))[-len(end):]
            self.pending.clear()
        return size

    def read_all(self):
        """Every message until the peer closes."""
        seen = []
        while True:
            try:
                seen.append(self.read())
            except Closed:
                return seen

    def at_end(self):
        """Whether the peer closes next without saying more."""
        try:
            self._fill()
        except Closed:
            return not self.pending
        return False

    def _fill(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed()
        self.pending += data


class WireClient(Wire):
    """A raw client. Made connected; login() does the rest."""

    def __init__(self, port, host="127.0.0.1", patience=PATIENCE, receive_buffer=None):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(patience)
        sock.connect((host, port))
        super().__init__(sock)
        self.parameters = {}
        self.cancel_key = None  # (pid, key) out of BackendKeyData

    def login(self, password=None, **parameters):
        """Logs in and returns every message up to ReadyForQuery; LoginFailed on an error."""
        self.send(startup(**parameters))
        seen = []
        while True:
            try:
                got = self.read()
            except Closed:
                raise Closed(seen) from None
            seen.append(got)
            if got.type == "E":
                raise LoginFailed(seen)
            if got.type == "R":
                self._authenticate(got.body, parameters.get("user", ""), password or "")
            elif got.type == "S":
                name, value = got.body[:-1].split(b"\0", 1)
                self.parameters[name.decode()] = value.decode()
            elif got.type == "K":
                self.cancel_key = (struct.unpack_from("!I", got.body)[0], got.body[4:])
            elif got.type == "Z":
                return seen

    def ask(self, *data, batches=1):
        """Sends and returns what comes up to the last ReadyForQuery of that many batches."""
        self.send(*data)
        return self.read_until("Z", batches)

    def rows(self, sql):
        """The rows of one simple query; AssertionError with the fields of an error."""
        answer = self.ask(query(sql))
        assert not errors_of(answer), errors_of(answer)
        return rows_of(answer)

    def value(self, sql):
        return self.rows(sql)[0][0]

    def _authenticate(self, body, user, password):
        (kind,) = struct.unpack_from("!I", body)
        if kind == 3:
            self.send(message("p", cstring(password)))
        elif kind == 5:
            self.send(message("p", cstring(md5_answer(user, password, body[4:8]))))
        elif kind == 10:
            self.scram = Scram(password)
            self.send(message("p", self.scram.initial_response()))
        elif kind == 11:
            self.send(message("p", self.scram.answer(body[4:])))
        elif kind == 12:
            self.scram.check(body[4:])


class LoginFailed(Exception):
    """The server refused; `seen` are all messages, `fields` those of the error."""

    def __init__(self, seen):
        self.seen = seen
        self.fields = error_fields(seen[-1].body)
        super().__init__(str(self.fields))

    @property
    def sqlstate(self):
        return self.fields["C"]


def md5_hex(data):
    return hashlib.md5(data).hexdigest()


def md5_verifier(user, password):
    return "md5" + md5_hex(password.encode() + user.encode())


def md5_answer(user, password, salt):
    return "md5" + md5_hex(md5_verifier(user, password)[3:].encode() + salt)


def scram_verifier(password, iterations=4096):
    """What PostgreSQL keeps in pg_authid for a password of ASCII."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${0}:{1}${2}:{3}".format(iterations, *parts)


class Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802, 7677) for passwords of ASCII."""

    def __init__(self, password):
        self.password = password.encode()
        self.bare = b"n=,r=" + base64.b64encode(os.urandom(18))

    def initial_response(self):
        first = b"n,," + self.bare
        return cstring("SCRAM-SHA-256") + struct.pack("!I", len(first)) + first

    def answer(self, server_first):
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields[b"s"]),
                                     int(fields[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        final = b"c=biws,r=" + fields[b"r"]
        signed = self.bare + b"," + server_first + b"," + final
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.expected = b"v=" + base64.b64encode(hmac.digest(server_key, signed, "sha256"))
        return final + b",p=" + base64.b64encode(proof)

    def check(self, server_final):
        assert server_final == self.expected, "the server does not know the password"
