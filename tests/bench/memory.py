# SPDX-License-Identifier: MIT
"""Measures what an idle client and a registered tenant cost. Started by memory.sh."""
import json
import socket
import ssl
import struct
import subprocess
import sys

import counting
import proxies
import scale

AIMS = {"idle client": 600, "idle client with TLS": 12 * 1024, "registered tenant": 300}
FIRST = 200  # clients that come before the counting, so that what is shared is there


def start(run, stub, tenants):
    port = proxies.free_port()
    path = f"{run.work}/conf/memory-{port}.yaml"
    yaml = scale.FAHREND_YAML.format(port=port, server=stub.port,
                                     tenants=scale.tenants_yaml(tenants, 0))
    with open(path, "w") as f:
        f.write(yaml.replace("tls: {mode: disable}}\nworkers",
                             "tls: {mode: allow, certificate: crt, key: key}}\nworkers"))
    return proxies.Proxy(run, f"fahrend-{port}", [f"{run.work}/bin/fahrend", "-c", path], port)


def read_until_ready(s):
    data = b""
    while not data.endswith(b"Z\0\0\0\x05I"):
        more = s.recv(65536)
        if not more:
            raise RuntimeError(f"a client was refused: {data!r}")
        data += more


def connect(port, context):
    s = socket.create_connection(("127.0.0.1", port))
    if context:
        s.sendall(struct.pack("!ii", 8, 80877103))
        if s.recv(1) != b"S":
            raise RuntimeError("no TLS")
        s = context.wrap_socket(s)
    body = struct.pack("!i", 196608) + b"user\0app\0database\0app\0app.tenant\0t0\0\0"
    s.sendall(struct.pack("!i", len(body) + 4) + body)
    read_until_ready(s)
    s.sendall(b"Q" + struct.pack("!i", 13) + b"SELECT 1\0")
    read_until_ready(s)
    return s


def per_client(run, stub, clients, context=None):
    proxy = start(run, stub, 1)
    try:
        held = [connect(proxy.port, context) for _ in range(FIRST)]
        before = proxy.memory()["rss"]
        held += [connect(proxy.port, context) for _ in range(clients)]
        after = proxy.memory()["rss"]
        for s in held:
            s.close()
        return (after - before) / clients
    finally:
        proxy.stop()


def per_tenant(run, stub, tenants):
    sizes = []
    for count in (1, tenants + 1):
        proxy = start(run, stub, count)
        sizes.append(proxy.memory()["rss"])
        proxy.stop()
    return (sizes[1] - sizes[0]) / tenants


def main():
    args = counting.parse_arguments(("--clients", {"type": int, "default": 5000}),
                                    ("--tenants", {"type": int, "default": 100000}),
                                    ("--output", {}), ("-o", {"dest": "output"}))
    run = counting.Run(args)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stub = counting.Stub(run)
    try:
        figures = {"idle client": per_client(run, stub, args.clients),
                   "idle client with TLS": per_client(run, stub, args.clients // 5, context),
                   "registered tenant": per_tenant(run, stub, args.tenants)}
    finally:
        stub.stop()
    for what, figure in figures.items():
        print(f"  {what:24} {figure:8,.0f} bytes   aim: under {AIMS[what]:,}", flush=True)
    if args.output:
        with open(args.output, "w") as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"memory: {error}")
