# SPDX-License-Identifier: MIT
"""Large data: a result and a COPY in each direction through every side, and how long a small query
takes on the same loop while a large result flows."""
import json
import socket
import ssl
import struct
import subprocess
import threading
import time

from report import Row

READY = b"Z\x00\x00\x00\x05I"
CHUNK = 1 << 20
LINE = 1000  # bytes of a row


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


class Wire:
    """A client that neither parses nor keeps what it gets."""

    def __init__(self, port, tenant="t0", tls=False):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock.sendall(struct.pack("!II", 8, 80877103))
            assert self.sock.recv(1) == b"S"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        body = struct.pack("!I", 196608)
        for word in ("user", "app", "database", "app", "app.tenant", tenant, ""):
            body += word.encode() + b"\0"
        self.sock.sendall(struct.pack("!I", len(body) + 4) + body)
        self.read_until(READY)

    def read_until(self, end):
        """Bytes read up to and including these."""
        buffer, total, tail = bytearray(CHUNK), 0, b""
        while not tail.endswith(end):
            n = self.sock.recv_into(buffer)
            if n == 0:
                raise RuntimeError(f"connection lost: {tail!r}")
            total += n
            tail = (tail + bytes(buffer[max(0, n - 64):n]))[-64:]
        return total

    def query(self, sql):
        self.sock.sendall(message(b"Q", sql.encode() + b"\0"))
        return self.read_until(READY)

    def copy_in(self, megabytes):
        self.sock.sendall(message(b"Q", b"COPY sink FROM STDIN WHERE false\0"))
        self.read_until(b"\x00\x01\x00\x00")
        piece = message(b"d", (b"x" * (LINE - 1) + b"\n") * 64) * 16
        for _ in range(megabytes * CHUNK // len(piece)):
            self.sock.sendall(piece)
        self.sock.sendall(message(b"c", b""))
        self.read_until(READY)
        return megabytes * CHUNK

    def close(self):
        self.sock.close()


def large(megabytes, copy=False):
    sql = f"SELECT repeat('x', {LINE}) FROM generate_series(1, {megabytes * CHUNK // LINE})"
    return f"COPY ({sql}) TO STDOUT" if copy else sql


def timed(proxy, work):
    """Megabytes a second, and CPU time of the proxy for each."""
    wire = Wire(proxy.port, tls="-tls" in proxy.name)
    cpu, begun = proxy.cpu_ns(), time.monotonic()
    size = work(wire) / CHUNK
    seconds = time.monotonic() - begun
    wire.close()
    return {"mb_s": size / seconds, "cpu_us_mb": (proxy.cpu_ns() - cpu) / 1000 / size}


class Stream(threading.Thread):
    """A large result that flows until it is told to end."""

    def __init__(self, proxy, megabytes):
        super().__init__()
        self.wire, self.sql, self.over = Wire(proxy.port), large(megabytes), False
        self.start()

    def run(self):
        while not self.over:
            self.wire.query(self.sql)
        self.wire.close()

    def end(self):
        self.over = True
        self.join()


def small(run, proxy, seconds):
    done = subprocess.run(run.load(proxy, 1, "light", "-n", "1", "-f", "1", "-t", str(int(1000 * seconds))),
                          capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"load through {proxy.name}: {done.stderr}{done.stdout}")
    result = json.loads(done.stdout)
    return {key: result[key] for key in ("p50_us", "p99_us")}


def beside(run, proxy):
    """A small query's latencies alone, and while another client's result flows."""
    alone = small(run, proxy, run.seconds)
    stream = Stream(proxy, 64)
    try:
        return {"alone": alone, "beside": small(run, proxy, run.seconds)}
    finally:
        stream.end()


def measure(run, running, megabytes):
    """({what: {side: [result of each round]}}, {side: [latencies of each round]})"""
    works = {
        f"a result of {megabytes} MB": lambda w: w.query(large(megabytes)),
        f"COPY out, {megabytes} MB": lambda w: w.query(large(megabytes, True)),
        f"COPY in, {megabytes // 4} MB": lambda w: w.copy_in(megabytes // 4),
    }
    sides = [s for s in ("direct", "forwarder", "pgbouncer", "fahrend") if s in running]
    figures = {what: {s: [] for s in sides} for what in works}
    latencies = {s: [] for s in sides}
    for number in range(min(run.rounds, 3)):
        turn = number % len(sides) if sides else 0
        for side in sides[turn:] + sides[:turn]:
            for what, work in works.items():
                figures[what][side].append(timed(running[side], work))
            latencies[side].append(beside(run, running[side]))
    return figures, latencies


def measure_tls(run, running, megabytes):
    pair = [s for s in ("pgbouncer-tls", "fahrend-tls") if s in running]
    figures = {s.removesuffix("-tls"): [] for s in pair}
    for number in range(min(run.rounds, 3)):
        for side in pair[number % 2:] + pair[:number % 2]:
            figures[side.removesuffix("-tls")].append(
                timed(running[side], lambda w: w.query(large(megabytes))))
    return {f"a result of {megabytes} MB over TLS": figures}


def speed_rows(figures):
    for what, sides in figures.items():
        speed, cpu = ({side: [r[key] for r in rounds] for side, rounds in sides.items()}
                      for key in ("mb_s", "cpu_us_mb"))
        cpu.pop("direct", None)
        yield Row(what, "MB/s", speed, less=False,
                  aims=(("pgbouncer", 1),) if "result" in what else ())
        yield Row("  CPU of the proxy", "us/MB", cpu)


def rows(run, running):
    megabytes = 64 if run.short else 1024
    figures, latencies = measure(run, running, megabytes)
    figures.update(measure_tls(run, running, megabytes))
    yield from speed_rows(figures)
    for how, title in (("alone", "a small query alone"),
                       ("beside", "... beside a large result on its loop")):
        for key, text in (("p50_us", "median"), ("p99_us", "99th percentile")):
            yield Row(f"{title}, {text}", "us",
                      {side: [r[how][key] for r in rounds] for side, rounds in latencies.items()})
