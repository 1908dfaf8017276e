#!/usr/bin/env python3
"""An HTTP server that a mirror caches, with a log of what it was asked and moods set by a file.

    upstream.py PORT ROOT LOG MOODS [CERT KEY]

LOG gets a line for each request: method, path, status, Range, whether it was conditional. MOODS is
JSON, read anew for each request: {"PATH or *": {"status": 503, "times": 2, "cut": 1000, "rate": 1e6,
"framing": "length|chunked|close", "validators": "strong|weak|none", "ranges": false,
"location": URL, "hold": 1000, "then": {...}}}: it stops after `hold` bytes
until the mood is another one, and after `times` requests the mood is that of `then`.
"""
import email.utils
import hashlib
import http.server
import json
import pathlib
import ssl
import sys
import threading
import time
import urllib.parse

PORT, ROOT, LOG, MOODS = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
lock = threading.Lock()
used = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def mood(self):
        try:
            moods = json.loads(MOODS.read_text())
        except (OSError, ValueError):
            return {}
        key = self.path if self.path in moods else "*"
        mood = moods.get(key, {})
        if "times" in mood:
            with lock:
                name = f"{key} {json.dumps(mood, sort_keys=True)}"
                used[name] = used.get(name, 0) + 1
                if used[name] > mood["times"]:
                    return mood.get("then", {})
        return mood

    def note(self, status):
        conditional = any(self.headers[name] for name in ("If-None-Match", "If-Modified-Since"))
        with lock, open(LOG, "a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path} {status} {self.headers['Range'] or '-'} "
                      f"{'conditional' if conditional else '-'}\n")

    def answer(self, status, fields, body=b"", mood=None):
        mood = mood or {}
        self.note(status)
        self.send_response(status)
        framing = mood.get("framing", "length")
        if framing == "length" or status == 304:
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
        elif framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.close_connection = True
            self.send_header("Connection", "close")
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = mood.get("cut", len(body))
        rate = mood.get("rate")
        hold = mood.get("hold")
        step = 16384 if hold is None else 10_000
        for at in range(0, min(cut, len(body)), step):
            while hold == at and self.mood().get("hold") == hold:
                time.sleep(0.05)
            part = body[at:min(at + step, cut)]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if framing == "chunked" else part)
            if rate:
                time.sleep(len(part) / rate)
        while hold == cut and self.mood().get("hold") == hold:
            time.sleep(0.05)
        if cut < len(body):
            self.close_connection = True
            return
        if framing == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        mood = self.mood()
        if "location" in mood:
            self.answer(302, [("Location", mood["location"])], b"moved")
            return
        if "status" in mood:
            self.answer(mood["status"], [], b"a mood")
            return
        path = ROOT / urllib.parse.unquote(self.path.split("?")[0]).lstrip("/")
        if path.is_dir() and self.path.endswith("/"):
            listing = "".join(f'<a href="{child.name}">{child.name}</a>\n' for child in sorted(path.iterdir()))
            self.answer(200, [("Content-Type", "text/html")], listing.encode(), {"framing": "chunked"})
            return
        if not path.is_file():
            self.answer(404, [], b"no such file")
            return
        body = path.read_bytes()
        etag = '"' + hashlib.sha256(body).hexdigest()[:24] + '"'
        modified = email.utils.formatdate(path.stat().st_mtime, usegmt=True)
        fields = {"strong": [("ETag", etag), ("Last-Modified", modified)], "weak": [("ETag", "W/" + etag)],
                  "none": []}[mood.get("validators", "strong")]
        if fields and (self.headers["If-None-Match"] == etag or (
                not self.headers["If-None-Match"] and self.headers["If-Modified-Since"] == modified)):
            self.answer(304, fields)
            return
        wanted = self.headers["Range"]
        if wanted and mood.get("ranges", True) and self.headers["If-Range"] in (None, etag, modified):
            first = int(wanted.split("=")[1].split("-")[0])
            fields.append(("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}"))
            self.answer(206, fields, body[first:], mood)
            return
        self.answer(200, fields, body, mood)

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_):
        pass  # clients that were killed


server = Server(("127.0.0.1", PORT), Handler)
if len(sys.argv) > 5:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[5], sys.argv[6])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
