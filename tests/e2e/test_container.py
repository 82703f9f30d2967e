# SPDX-License-Identifier: MIT
"""The files of docker/: they are valid, and what they configure works. tests/container/run.sh builds the
image, and runs it."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from cluster import Cluster, free_port
from deadline import wait_until
from proxy import ROOT, SANITIZER, binary

DOCKER = os.path.join(ROOT, "docker")
NODE = os.path.join(ROOT, "tests", "e2e", "node")


def read(name):
    with open(os.path.join(DOCKER, name), encoding="utf-8") as file:
        return file.read()


def objects():
    """The sidecar's objects by kind."""
    return {item["kind"]: item for item in yaml.safe_load_all(read("sidecar.yaml"))}


def faults_of(pods):
    """What the schemas of Kubernetes have against objects."""
    if not os.path.isdir(os.path.join(NODE, "node_modules", "kubernetes-models")):
        pytest.skip("the package kubernetes-models is not installed")
    done = subprocess.run(["node", os.path.join(NODE, "pod.js")], input=json.dumps(pods), text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_pod_is_one():
    assert faults_of(list(objects().values())) == []


def test_the_validator_finds_a_fault():
    broken = objects()
    broken["Pod"]["spec"]["initContainers"][0]["livenesProbe"] = {}
    wrong = objects()
    wrong["Pod"]["spec"]["securityContext"]["runAsNonRoot"] = "yes"

    assert faults_of([broken["Pod"]]) == ["Pod/spec/initContainers/0/livenesProbe is not a key"]
    assert faults_of([wrong["Pod"]]) == ["Pod/spec/securityContext/runAsNonRoot type"]


def test_the_pod_is_locked_up():
    sidecar = objects()["Pod"]["spec"]["initContainers"][0]

    assert sidecar["securityContext"] == {"allowPrivilegeEscalation": False,
                                          "readOnlyRootFilesystem": True,
                                          "capabilities": {"drop": ["ALL"]}}
    assert objects()["Pod"]["spec"]["securityContext"]["runAsNonRoot"]
    assert {"startupProbe", "livenessProbe", "readinessProbe", "lifecycle"} <= set(sidecar)


def test_the_pods_configuration_is_good(tmp_path):
    text = objects()["ConfigMap"]["data"]["fahrend.yaml"]
    text = text.replace(", ca: /run/secrets/fahrend/server-ca.crt", "").replace("verify-full", "require")
    file = tmp_path / "fahrend.yaml"
    file.write_text(text)

    done = subprocess.run([binary(), "--check", "-c", str(file)], capture_output=True, text=True,
                          check=False)

    assert (done.returncode, done.stdout) == (0, "")
    for name in re.findall(r"/run/secrets/fahrend/([\w.-]+)", objects()["ConfigMap"]["data"]["fahrend.yaml"]):
        assert name in objects()["Secret"]["stringData"]


def test_docker_compose_takes_the_file():
    if not shutil.which("docker-compose"):
        pytest.skip("docker-compose is not installed")
    done = subprocess.run(["docker-compose", "-f", os.path.join(DOCKER, "compose.yaml"), "config",
                           "-q"], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_dockerfile_copies_what_there_is():
    text = read("Dockerfile")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.M)
              for word in line.split()[:-1]]

    assert copied and [path for path in copied if not os.path.exists(os.path.join(ROOT, path))] == []
    assert re.search(r"^USER \d+:\d+$", text, re.M)
    assert re.search(r'^HEALTHCHECK .*CMD \["/usr/bin/fahrenctl", "ping"\]$', text, re.M)
    assert 'ENTRYPOINT ["/usr/bin/fahrend"]' in text


def test_the_example_application_sees_two_tenants():
    """What compose.yaml starts, without the containers: its settings, its tables, its application."""
    if os.path.exists("/etc/fahrend/fahrend.yaml"):
        pytest.skip("there is a configuration on this machine")
    services = yaml.safe_load(read("compose.yaml"))["services"]
    port = free_port()
    with Cluster() as cluster:
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", cluster.directory, "-p",
                        str(cluster.port), "-U", "postgres", "-f",
                        os.path.join(DOCKER, "example", "init.sql")], check=True)
        variables = dict(services["fahrend"]["environment"],
                         FAHREND_LISTEN__ADDRESS="127.0.0.1", FAHREND_LISTEN__PORT=str(port),
                         FAHREND_SERVERS__MAIN__HOST="127.0.0.1",
                         FAHREND_SERVERS__MAIN__PORT=str(cluster.port), FAHREND_HTTP__PORT="0")
        daemon = subprocess.Popen([binary()], env=dict(os.environ, **variables), text=True,
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            ping = [os.path.join(os.path.dirname(binary()), "fahrenctl"), "ping"]
            wait_until(lambda: subprocess.run(ping, env=dict(os.environ, **variables), check=False,
                                              capture_output=True).returncode == 0, "it listens")
            printed = subprocess.run(
                ["sh", os.path.join(DOCKER, "example", "application.sh")], text=True, timeout=60,
                env=os.environ | services["application"]["environment"] | {
                    "PGHOST": "127.0.0.1", "PGPORT": str(port), "TIMES": "2", "PAUSE": "0"},
                capture_output=True, check=True)
        finally:
            daemon.terminate()
            log = daemon.communicate(timeout=20)[1]
    assert daemon.returncode == 0 and not SANITIZER.search(log), log
    assert printed.stdout.splitlines() == [
        "acme sees 1 notes, all of acme", "globex sees 1 notes, all of globex",
        "acme sees 2 notes, all of acme", "globex sees 2 notes, all of globex"]
