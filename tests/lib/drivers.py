# SPDX-License-Identifier: MIT
"""Real clients behind one face: run(driver, daemon, login, statements).

`login` names user, dbname and the driver-neutral `options`, `application_name`, `password`.
A statement is (sql, parameters) with $1, $2; what returns is a list of rows of text per statement.
A refusal is a DriverError with its SQLSTATE where the driver tells it.
"""

import json
import os
import re
import subprocess

import psycopg
import psycopg2

NODE_SCRIPT = os.path.join(os.path.dirname(__file__), "..", "e2e", "node", "run.js")
SECONDS = 60


class DriverError(Exception):
    """What a driver said when it was refused."""

    def __init__(self, text, sqlstate=None):
        super().__init__(text)
        self.sqlstate = sqlstate


def as_text(rows):
    return [[None if value is None else str(value) for value in row] for row in rows]


def run_psql(daemon, login, statements):
    """One psql for all statements. It binds no parameters: they become quoted literals."""
    environment = dict(os.environ, PGPASSWORD=login.get("password", ""), PGCONNECT_TIMEOUT="20")
    target = {"host": daemon.host, "port": daemon.port,
              **{key: value for key, value in login.items() if key != "password"}}
    command = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose",
               "-d", psycopg.conninfo.make_conninfo(**target)]
    for sql, parameters in statements:
        command += ["-c", literals(sql, parameters), "-c", r"\echo ----"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    if done.returncode != 0:
        found = re.search(r"(?:ERROR|FATAL): +([0-9A-Z]{5}):", done.stderr)
        raise DriverError(done.stderr, found and found[1])
    blocks = done.stdout.split("----\n")[:-1]
    return [[line.split("|") for line in block.splitlines()] for block in blocks]


def literals(sql, parameters):
    for number, value in reversed(list(enumerate(parameters, 1))):
        sql = sql.replace(f"${number}", "'" + str(value).replace("'", "''") + "'")
    return sql


def run_psycopg(daemon, login, statements):
    try:
        with psycopg.connect(host=daemon.host, port=daemon.port, connect_timeout=20,
                             autocommit=True, **login) as conn:
            cursors = [psycopg_execute(conn, sql, values) for sql, values in statements]
            return [as_text(c.fetchall()) if c.description else [] for c in cursors]
    except psycopg.Error as refusal:
        raise DriverError(str(refusal), refusal.sqlstate) from None


def psycopg_execute(conn, sql, values):
    # Its placeholders are %s; ours stand in order.
    return conn.execute(re.sub(r"\$\d", "%s", sql), values)


def run_psycopg2(daemon, login, statements):
    conn = None
    try:
        conn = psycopg2.connect(host=daemon.host, port=daemon.port, connect_timeout=20, **login)
        conn.autocommit = True
        results = []
        with conn.cursor() as cursor:
            for sql, values in statements:
                cursor.execute(re.sub(r"\$\d", "%s", sql), values)
                results.append(as_text(cursor.fetchall()) if cursor.description else [])
        return results
    except psycopg2.Error as refusal:
        raise DriverError(str(refusal), refusal.pgcode) from None
    finally:
        if conn is not None:
            conn.close()


def run_node(daemon, login, statements):
    """node-postgres; sends parameters by the extended protocol."""
    names = {"dbname": "database"}
    target = {"host": daemon.host, "port": daemon.port,
              **{names.get(key, key): value for key, value in login.items()}}
    task = json.dumps({"login": target, "statements": statements})
    done = subprocess.run(["node", NODE_SCRIPT], input=task, capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise DriverError(answer["error"], answer.get("code"))
    return [as_text(rows) for rows in answer["results"]]


DRIVERS = {"psql": run_psql, "psycopg": run_psycopg, "psycopg2": run_psycopg2,
           "node-postgres": run_node}


def run(driver, daemon, login, statements):
    return DRIVERS[driver](daemon, login, statements)
