# SPDX-License-Identifier: MIT
"""A server that is played by hand, connection by connection, with TLS where a test wants it.

`play(sock, number)` is called for each connection in a thread of its own, and may ask `answer_ssl`
for TLS. What it raises is kept in `failures`, but for connections that ended.
"""

import socket
import ssl
import threading

from wirepeer import message, packet

SSL_REQUEST = packet(80877103)
READY = message("Z", b"I")
GREETING = (message("R", (0).to_bytes(4, "big"))
            + message("S", b"server_version\x0018.0\x00")
            + message("K", (7).to_bytes(4, "big") + b"keys"))


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise ConnectionError("the peer has closed")
        data += more
    return data


def read_packet(sock):
    """An untyped packet: its code and what follows."""
    size = int.from_bytes(read_exactly(sock, 4), "big")
    body = read_exactly(sock, size - 4)
    return int.from_bytes(body[:4], "big"), body[4:]


def read_message(sock):
    kind = read_exactly(sock, 1).decode()
    size = int.from_bytes(read_exactly(sock, 4), "big")
    return kind, read_exactly(sock, size - 4)


class HandServer:
    """Listens on a port of loopback until the end of the with block."""

    def __init__(self, play, certificate=None):
        self.play = play
        self.count = 0
        self.failures = []
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate["certificate"], certificate["key"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()

    def answer_ssl(self, sock, behind=b""):
        """Takes the request for TLS and begins it; `behind` is sent in clear behind the answer."""
        assert read_exactly(sock, 8) == SSL_REQUEST
        sock.sendall(b"S" + behind)
        return self.context.wrap_socket(sock, server_side=True)

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(20)
            threading.Thread(target=self._serve, args=(sock, self.count), daemon=True).start()
            self.count += 1

    def _serve(self, sock, number):
        with sock:
            try:
                self.play(self, sock, number)
            except (OSError, ConnectionError):
                pass
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(repr(error))
