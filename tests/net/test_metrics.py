#!/usr/bin/env python3
"""docs/metrics.md and the Grafana dashboard against what a running musterd answers at /metrics."""
import json
import os
import pathlib
import re
import sys
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.certificates import Certificates  # noqa: E402
from tests.support.rig import RigTest, SERVER  # noqa: E402

ROW = re.compile(r"\| `(muster_\w+)` \| (counter|gauge) \| (.*?) \| (.*) \|")


def documented():
    """By section and name: type, labels and meaning."""
    sections = {}
    for part in (ROOT / "docs" / "metrics.md").read_text().split("\n## ")[1:]:
        rows = ROW.findall(part)
        sections[part.split("\n", 1)[0]] = {
            name: (kind, frozenset(re.findall(r"`(\w+)`", labels)), meaning) for name, kind, labels, meaning in rows}
    return sections


def families(text):
    """By name: type, labels and meaning of each family of an exposition."""
    meaning = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.M))
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    labels = {name: set() for name in kinds}
    for name, within in re.findall(r"^(\w+)\{(.*)\} ", text, re.M):
        labels[name] |= set(re.findall(r'(\w+)="', within))
    return {name: (kind, frozenset(labels[name]), meaning[name]) for name, kind in kinds.items()}


class Metrics(RigTest):
    def scrape(self):
        # Some are there from the first time on: an answer of the content server, too.
        self.rig.client("curl", "-sS", "-o", "/dev/null", f"http://{SERVER}/files/tiny/initrd")
        ask = ["curl", "-sS", "http://127.0.0.1:8067/metrics"]
        self.rig.in_server(*ask)
        return families(self.rig.in_server(*ask).stdout)

    def compare(self, *sections):
        everything = documented()
        wanted = {name: row for section in sections for name, row in everything[section].items()}
        found = self.scrape()
        self.assertEqual(sorted(found), sorted(wanted))
        for name, row in found.items():
            self.assertEqual(row, wanted[name], name)

    def test_what_is_always_there(self):
        self.rig.start()
        self.compare("Always")

    def test_with_https(self):
        tls = self.rig.folder / "tls"
        tls.mkdir()
        Certificates(tls).server("server")
        self.rig.start("--https-port", "443", "--tls-cert", tls / "server.pem", "--tls-key", tls / "server.key")
        self.compare("Always", "With `--https-port`")

    def test_the_dashboard_asks_for_what_there_is(self):
        known = {name: row for rows in documented().values() for name, row in rows.items()}
        dashboard = json.loads((ROOT / "deploy" / "grafana" / "muster.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        self.assertGreater(len(asked), 10)
        for expression in asked:
            names = re.findall(r"\bmuster_\w+", expression)
            self.assertTrue(names, expression)
            for name in names:
                self.assertIn(name, known, expression)
                # A rate of what also falls, or a plain reading of what only rises, says nothing.
                self.assertEqual("rate(" in expression or "increase(" in expression, known[name][0] == "counter",
                                 expression)
            for label in re.findall(r"by \((\w+)\)", expression):
                self.assertIn(label, known[names[0]][1], expression)
            for name, within in re.findall(r"(muster_\w+)\{([^}]*)\}", expression):
                for label in re.findall(r"(\w+)=", within):
                    self.assertIn(label, known[name][1] | {"instance", "job"}, expression)
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))


class MetricsOfDpdk(Metrics):
    def setUp(self):
        with mock.patch.dict(os.environ, {"MUSTER_BACKEND": "dpdk-af_packet"}):
            super().setUp()

    def test_what_is_always_there(self):
        self.rig.start()
        self.compare("Always", "With `--backend dpdk`")

    test_with_https = test_the_dashboard_asks_for_what_there_is = None


if __name__ == "__main__":
    unittest.main()
