#!/usr/bin/env python3
"""docs/openapi.json against a running musterd: each call that it describes is made, every method that it
does not describe is refused, and what comes back is what it says."""
import json
import pathlib
import re
import sys
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.rig import RigTest, SERVER  # noqa: E402

DOCUMENT = ROOT / "docs" / "openapi.json"
METHODS = ("get", "put", "post", "delete")


class OpenApi(RigTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = json.loads(DOCUMENT.read_text())

    def call(self, method, path, body=None, accept="*/*", token=None, source="127.0.0.1"):
        """Status, type and body of one call, from this address."""
        command = ["curl", "-s", "--max-time", "2" if "event-stream" in accept else "30", "-X", method.upper(),
                   "--interface", source, "-H", f"Accept: {accept}", "-w", "\n%{http_code} %{content_type}",
                   f"http://127.0.0.1:8067{path}"]
        if body is not None:
            command += ["-d", json.dumps(body)]
        if token is not None:
            command += ["-H", f"Authorization: Bearer {token}"]
        # What ends a stream is curl's own limit. Captures are not text, and only their type is looked at.
        said = self.rig.in_server(*command, check=False, errors="replace").stdout
        text, last = said.rsplit("\n", 1)
        status, _, content_type = last.partition(" ")
        return int(status), content_type.partition(";")[0], text

    def holds(self, template, method, status, path=None, **request):
        """Makes the call; its answer must have this status, and be what the document says of it."""
        got, content_type, text = self.call(method, path or template, **request)
        self.assertEqual(got, status, f"{method} {path or template}: {text}")
        described = self.api["paths"][template][method]["responses"]
        self.assertIn(str(status), described, f"{method} {template}")
        media = described[str(status)].get("content", {})
        self.assertIn(content_type, media or ["text/plain"], f"{method} {path or template}")
        self.made.add((template, method))
        if content_type != "application/json":
            return text
        answer = json.loads(text)
        # Its references are to the document's components: with them it stands for itself.
        schema = {**media[content_type]["schema"], "components": self.api["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)
        return answer

    def setUp(self):
        super().setUp()
        self.made = set()

    def test_the_document_is_sound(self):
        for name, schema in self.api["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
        ids = [call["operationId"] for path in self.api["paths"].values() for call in path.values()]
        self.assertEqual(len(ids), len(set(ids)))
        for path, calls in self.api["paths"].items():
            for call in calls.values():
                named = [p["name"] for p in call.get("parameters", []) if p["in"] == "path"]
                self.assertEqual(named, ["name"] if "{name}" in path else [])

    def test_what_is_not_described_is_refused(self):
        self.rig.start()
        for path, calls in self.api["paths"].items():
            of_a_node = {} if "{name}" in path else self.api["paths"].get(re.sub("[^/]+$", "{name}", path), {})
            for method in METHODS:
                if method not in {*calls, *of_a_node}: # a machine may be named `install`
                    status, _, text = self.call(method, path.replace("{name}", "r1n01"))
                    self.assertEqual(status, 405, f"{method} {path}: {text}")
                    self.assertEqual(json.loads(text)["error"]["code"], "method_not_allowed")
        self.assertEqual(self.call("get", "/api/v1/nonsense")[0], 404)

    def test_every_call_answers_what_the_document_says(self):
        self.rig.start()
        node = "/api/v1/nodes/{name}"
        spec = {"mac": "52:54:00:00:09:09", "profile": "tiny", "tags": ["rack9"], "variables": {"disk": "/dev/vda"}}
        self.holds(node, "put", 201, "/api/v1/nodes/extra", body=spec)
        self.holds(node, "put", 200, "/api/v1/nodes/extra", body=spec)
        self.holds(node, "put", 400, "/api/v1/nodes/extra", body={"nonsense": 1})
        self.holds(node, "put", 409, "/api/v1/nodes/r1n01", body=spec)
        # A machine that has been seen: there is a boot, a lease of nobody, something recorded.
        mac = self.holds(node, "get", 200, "/api/v1/nodes/r1n01")["mac"]
        self.rig.client("curl", "-sS", f"http://{SERVER}/boot/ipxe?mac={mac}")
        self.holds(node, "get", 404, "/api/v1/nodes/nobody")
        self.assertTrue(self.holds("/api/v1/nodes", "get", 200)["nodes"])
        self.holds("/api/v1/nodes", "get", 200, "/api/v1/nodes?view=brief&limit=1")
        self.holds("/api/v1/nodes", "get", 400, "/api/v1/nodes?state=nonsense")
        for part in ("timeline", "render", "pcap"):
            self.holds(f"{node}/{part}", "get", 200, f"/api/v1/nodes/r1n01/{part}")
            self.holds(f"{node}/{part}", "get", 404, f"/api/v1/nodes/nobody/{part}")
        self.holds(f"{node}/pcap", "get", 400, "/api/v1/nodes/r1n01/pcap?boot=nonsense")
        for order in ("ignore", "boot-local", "install", "stop"):
            self.holds(f"{node}/{order}", "post", 200, f"/api/v1/nodes/extra/{order}")
            self.holds(f"{node}/{order}", "post", 404, f"/api/v1/nodes/nobody/{order}")
        self.holds(f"{node}/install", "post", 200, "/api/v1/nodes/extra/install?dry-run=true")
        self.holds(f"{node}/install", "post", 400, "/api/v1/nodes/extra/install?dry-run=nonsense")
        for query in ("tag=rack9", "tag=rack9&dry-run=true", "tag=rack9&rate=1", "tag=rack9&rate=1&dry-run=true"):
            self.holds("/api/v1/nodes/install", "post", 200, f"/api/v1/nodes/install?{query}")
        self.holds("/api/v1/nodes/install", "post", 400)
        self.holds("/api/v1/nodes/stop", "post", 200)
        self.holds("/api/v1/nodes/stop", "post", 400, "/api/v1/nodes/stop?tag=")
        self.holds(node, "delete", 200, "/api/v1/nodes/extra")
        self.holds(node, "delete", 404, "/api/v1/nodes/extra")
        self.holds(node, "delete", 409, "/api/v1/nodes/r1n01")
        for listed in ("profiles", "leases", "site", "governor", "history", "waits", "events"):
            self.holds(f"/api/v1/{listed}", "get", 200)
        self.holds("/api/v1/leases", "get", 400, "/api/v1/leases?after=nonsense")
        self.holds("/api/v1/events", "get", 400, "/api/v1/events?after=nonsense")
        self.assertIn("event: ", self.holds("/api/v1/events", "get", 200, "/api/v1/events?after=0",
                                            accept="text/event-stream"))
        self.assertEqual(self.holds("/api/v1/openapi.json", "get", 200), self.api)
        self.assertIn("muster_", self.holds("/metrics", "get", 200))
        self.holds("/", "get", 200, accept="text/html")
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.holds(path, "get", 200), "ok\n")
        tokens, token = "/api/v1/tokens", "/api/v1/tokens/{name}"
        self.holds(token, "post", 400, f"{tokens}/root?role=nonsense")
        self.holds(token, "post", 409, f"{tokens}/root?role=view")
        admin = self.holds(token, "post", 201, f"{tokens}/root?role=admin")["token"]
        viewer = self.holds(token, "post", 201, f"{tokens}/looker?role=view", token=admin)["token"]
        self.holds(tokens, "get", 200, token=admin)
        self.holds(tokens, "get", 401)
        self.holds(tokens, "get", 403, token=viewer)
        self.holds(token, "delete", 404, f"{tokens}/nobody", token=admin)
        self.holds(token, "delete", 409, f"{tokens}/root", token=admin)
        for _ in range(10):
            self.holds(tokens, "get", 401, token="guess", source="127.0.0.2")
        self.holds(tokens, "get", 429, token=admin, source="127.0.0.2")
        self.holds(token, "delete", 200, f"{tokens}/looker", token=admin)
        self.holds(token, "delete", 200, f"{tokens}/root", token=admin)
        described = {(path, method) for path, calls in self.api["paths"].items() for method in calls}
        self.assertEqual(self.made, described, "each call was made")

    def test_without_the_token_only_what_the_document_opens_is_answered(self):
        token = self.rig.folder / "token"
        token.write_text("s3cret\n")
        self.rig.start("--admin-token-file", token)
        for number, (path, calls) in enumerate(self.api["paths"].items()):
            for method, call in calls.items():
                wanted = "401" in call["responses"]
                at = path.replace("{name}", "nobody")
                for given in (None, "wrong"):
                    # Wrong tokens are limited by address.
                    status, _, text = self.call(method, at, token=given, source=f"127.0.1.{number}")
                    self.assertEqual(status == 401, wanted, f"{method} {path} with {given}: {text}")
                if method == "get":
                    self.assertNotEqual(self.call(method, at, token="s3cret")[0], 401)


if __name__ == "__main__":
    unittest.main()
