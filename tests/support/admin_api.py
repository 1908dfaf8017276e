# SPDX-License-Identifier: Apache-2.0
"""A far end for tests of `muster`: answers of the admin API, told by the test, over real HTTP.

Not a second musterd: it knows no rules. A test sets `answers[(method, path)]` to (status, body) or
to a function of the request's query that gives one, and reads `requests` afterwards."""

import http.server
import json
import threading
import urllib.parse


class AdminApi(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.requests = []  # (method, path with query, body, headers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def nodes(self, *nodes):
        """Serves these nodes: as the list, and each by its name."""
        self.answers["GET", "/api/v1/nodes"] = (200, {"nodes": list(nodes), "next": None})
        for node in nodes:
            self.answers["GET", f"/api/v1/nodes/{node['name']}"] = (200, node)

    def handle_error(self, *_):
        pass  # a client that was interrupted or has seen enough has hung up

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, body.decode(), self.headers))
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        missing = (404, {"error": {"code": "not_found", "message": f"no such thing: {url.path}"}})
        found = self.server.answers.get((self.command, url.path), missing)
        status, content = found(query) if callable(found) else found
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass
