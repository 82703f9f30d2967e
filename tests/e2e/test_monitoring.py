# SPDX-License-Identifier: MIT
"""The dashboard and the alerts of conf/: what they ask for is what fahrend tells, and Prometheus takes it."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from cluster import free_port
from proxy import ROOT
from test_http import ask

ALERTS = os.path.join(ROOT, "conf", "alerts.yaml")
OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}


def dashboard():
    with open(os.path.join(ROOT, "conf", "grafana", "fahrend.json"), encoding="utf-8") as file:
        return json.load(file)


def rules():
    with open(ALERTS, encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]


def expressions():
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    asked += [entry["definition"] for entry in dashboard()["templating"]["list"] if "definition" in entry]
    return asked + [rule["expr"] for rule in rules()]


@pytest.fixture(name="told", scope="module")
def told_by_a_scrape(cluster):
    """Labels by the name of each sample of a fahrend that works."""
    from proxy import Proxy, base_config  # pylint: disable=import-outside-toplevel
    from world import tenants_config  # pylint: disable=import-outside-toplevel
    port = free_port()
    with Proxy(base_config(cluster.port, tenants=tenants_config(), http={"port": port},
                           secrets={"providers": {"kept": {"type": "env"}}})) as daemon:
        with daemon.tenant("acme") as conn:
            conn.execute("SELECT 1")
        text = ask(port, "/metrics")[2]
    found = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def test_every_metric_asked_for_is_told(told):
    names = {name for text in expressions() for name in re.findall(r"\b((?:fahrend|process)_\w+)", text)}

    assert len(names) > 20
    assert sorted(name for name in names - OTHERS if name not in told) == []
    assert {name for name in names & OTHERS if name not in told} == set()


def test_every_label_asked_for_is_there(told):
    for text in expressions():
        for name, labels in re.findall(r"\b((?:fahrend|process)_\w+)\{([^}]*)\}", text):
            asked = set(re.findall(r'(\w+)=~?"', labels)) - {"instance", "job"}
            assert asked <= told[name], text


def test_panels_do_not_overlap_and_have_numbers_of_their_own():
    panels = dashboard()["panels"]
    taken = [(x, y) for panel in panels for at in [panel["gridPos"]]
             for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]

    assert len(taken) == len(set(taken)) and max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["type"] == "row" or panel["targets"] for panel in panels)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_takes_the_rules():
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True,
                          check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_can_read_the_dashboards_expressions(tmp_path):
    texts = [re.sub(r"\$__rate_interval", "5m", target["expr"])
             for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
        {"record": f"panel:{number}", "expr": text} for number, text in enumerate(texts)]}]}))

    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True,
                          check=False)

    assert done.returncode == 0, done.stderr
    assert len(texts) > 20


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_an_alert_rises_when_a_server_cannot_be_reached(tmp_path):
    case = {"rule_files": [ALERTS], "evaluation_interval": "30s", "tests": [{
        "interval": "30s",
        "input_series": [{"series": 'fahrend_server_failing_pools{server="main"}', "values": "0 0 2x10"},
                         {"series": 'fahrend_pool_longest_wait_seconds{pool="app/app",server="main"}',
                          "values": "9x20"}],
        "alert_rule_test": [
            {"eval_time": "1m", "alertname": "FahrendServerUnreachable", "exp_alerts": []},
            {"eval_time": "4m", "alertname": "FahrendServerUnreachable", "exp_alerts": [{
                "exp_labels": {"severity": "critical", "server": "main"},
                "exp_annotations": {
                    "summary": "2 pools cannot connect to server main",
                    "description": next(rule for rule in rules()
                                        if rule["alert"] == "FahrendServerUnreachable")
                    ["annotations"]["description"].replace("{{ $labels.instance }}", "")}}]},
        ]}]}
    file = tmp_path / "test.yaml"
    file.write_text(json.dumps(case))

    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True,
                          check=False)

    assert done.returncode == 0, done.stdout + done.stderr
