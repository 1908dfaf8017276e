#!/usr/bin/env python3
"""Bearer tokens of a running musterd: what each role may do, that they outlive it, and guesses."""
import json
import pathlib
import sqlite3
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.rig import RigTest  # noqa: E402

ROLES = ("anyone", "view", "operate", "admin")


class Tokens(RigTest):
    def make(self, name, role, by=None):
        """A new token; made with the token `by`."""
        path = self.rig.folder / f"{name}.token"
        out = self.rig.muster(*self.shown(by), "token", "new", name, "--role", role, "--json").stdout
        path.write_text(json.loads(out)["token"] + "\n")
        return path

    @staticmethod
    def shown(token):
        return ("--token-file", token) if token else ()

    def call(self, method, path, token=None, source="127.0.0.1"):
        """Status, fields of the head, body."""
        header = ["-H", f"Authorization: Bearer {token.read_text().strip()}"] if token else []
        said = self.rig.in_server("curl", "-s", "-i", "--max-time", "30", "--interface", source, "-X", method.upper(),
                                  *header, f"http://127.0.0.1:8067{path}", errors="replace").stdout
        head, _, body = said.partition("\n\n")
        status, *fields = head.splitlines()
        return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), body

    def test_each_role_may_make_the_calls_that_the_document_gives_it(self):
        self.rig.start()
        admin = self.make("root", "admin")
        tokens = {"anyone": None, "view": self.make("looker", "view", admin),
                  "operate": self.make("ops", "operate", admin), "admin": admin}
        document = json.loads((ROOT / "docs/openapi.json").read_text())
        refused = 0
        for path, calls in document["paths"].items():
            for method, call in calls.items():
                least = call.get("x-role", "anyone")
                for role, token in tokens.items():
                    status, fields, body = self.call(method, path.replace("{name}", "nobody"), token)
                    may = ROLES.index(role) >= ROLES.index(least)
                    wanted = "any" if may else 403 if token else 401
                    got = status if status in (401, 403) else "any"
                    self.assertEqual(got, wanted, f"{method} {path} as {role}: {body}")
                    refused += not may
                    if wanted == 403:
                        self.assertIn(f"needs the role {least}", json.loads(body)["error"]["message"])
                    if wanted == 401:
                        self.assertIn("Bearer", fields["WWW-Authenticate"])
        self.assertGreater(refused, 40)
        self.assertEqual(self.rig.muster("token", "list", "--token-file", admin).stdout.split()[3::3],
                         ["looker", "ops", "root"])

    def test_the_command_shows_its_token_and_they_outlive_musterd(self):
        server = self.rig.start()
        self.assertIn("r1n01", self.rig.muster("nodes").stdout)
        self.assertIn("first token must have the role admin",
                      self.rig.muster("token", "new", "looker", "--role", "view", check=False).stdout)
        admin = self.make("root", "admin")
        viewer = self.make("looker", "view", admin)
        gone = self.make("gone", "admin", admin)
        self.rig.muster("token", "remove", "gone", "--token-file", admin)
        server.kill()
        server.wait()
        self.rig.start()
        self.assertIn("a bearer token is wanted", self.rig.muster("nodes", check=False).stdout)
        for token in (admin, viewer):
            self.assertIn("r1n01", self.rig.muster("nodes", "--token-file", token).stdout)
        self.assertIn("no token that is known", self.rig.muster("nodes", "--token-file", gone, check=False).stdout)
        out = self.rig.muster("ignore", "r1n01", "--token-file", viewer, check=False)
        self.assertEqual(out.returncode, 1)
        self.assertIn("this call needs the role operate; token looker has the role view", out.stdout)
        # The text is nowhere below --data.
        text = admin.read_text().strip().encode()
        for path in self.rig.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(text, path.read_bytes(), path)
                self.assertNotIn(text[7:], path.read_bytes(), path)
        with sqlite3.connect(f"file:{self.rig.data}/muster.db?mode=ro", uri=True) as store:
            self.assertEqual(store.execute("SELECT name, role FROM api_token ORDER BY name").fetchall(),
                             [("looker", "view"), ("root", "admin")])
        self.rig.muster("token", "remove", "looker", "--token-file", admin)
        self.rig.muster("token", "remove", "root", "--token-file", admin)
        self.assertIn("r1n01", self.rig.muster("nodes").stdout)

    def test_who_guesses_has_to_wait_and_nobody_else(self):
        self.rig.start()
        admin = self.make("root", "admin")
        guess = self.rig.folder / "guess"
        guess.write_text("muster_" + "0" * 64)
        for _ in range(10):
            self.assertEqual(self.call("get", "/api/v1/nodes", guess, "127.0.0.2")[0], 401)
        for token in (guess, admin):
            status, fields, body = self.call("get", "/api/v1/nodes", token, "127.0.0.2")
            self.assertEqual(status, 429)
            self.assertTrue(1 <= int(fields["Retry-After"]) <= 60, fields)
            self.assertEqual(json.loads(body)["error"]["code"], "too_many_failures")
        self.assertEqual(self.call("get", "/healthz", None, "127.0.0.2")[0], 200)
        self.assertEqual(self.call("get", "/api/v1/nodes", admin)[0], 200)
        metrics = self.call("get", "/metrics", admin)[2]
        self.assertIn('muster_control_refused_total{reason="token_limit"} 2', metrics)
        self.assertIn('muster_control_refused_total{reason="unauthorized"} 10', metrics)


if __name__ == "__main__":
    unittest.main()
