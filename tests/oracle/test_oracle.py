# SPDX-License-Identifier: MIT
"""The oracle for desynchronisation, for a while and with a fresh seed: see runner.py."""

import os

from runner import run, run_direct


def fresh_seed():
    return int.from_bytes(os.urandom(4), "big")


def test_the_model_is_right_about_postgresql(cluster):
    run_direct(cluster, 2, fresh_seed())


def test_no_answer_reaches_the_wrong_client(cluster, figure):
    seed = fresh_seed()
    figure(f"oracle, seed {seed}: " + run(cluster, 20, seed))


def test_nor_when_server_connections_end_in_the_middle(cluster, figure):
    seed = fresh_seed()
    figure(f"oracle with kills, seed {seed}: " + run(cluster, 5, seed, kill=2000))
