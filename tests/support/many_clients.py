#!/usr/bin/env python3
"""Many HTTP clients at once, each of which fetches every path in an order of its own.

    many_clients.py HOST CLIENTS EXPECTED

EXPECTED is JSON: {path: [size, sha256]}. Prints {"good": N, "bad": [...first ten...]}.
"""
import asyncio
import hashlib
import json
import pathlib
import random
import sys

HOST, CLIENTS = sys.argv[1], int(sys.argv[2])
EXPECTED = json.loads(pathlib.Path(sys.argv[3]).read_text())
good, bad = 0, []


async def client(number, start):
    global good
    paths = list(EXPECTED)
    random.Random(number).shuffle(paths)
    reader, writer = await asyncio.open_connection(HOST, 80, limit=1 << 20)
    await start.wait()
    for path in paths:
        size, digest = EXPECTED[path]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b" 200 " in head.split(b"\r\n")[0] and length == size and hashlib.sha256(body).hexdigest() == digest:
            good += 1
        else:
            bad.append(f"{number} {path} {head!r}")
    writer.close()


async def main():
    start = asyncio.Event()
    tasks = [asyncio.create_task(client(number, start)) for number in range(CLIENTS)]
    await asyncio.sleep(0)
    start.set()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, BaseException):
            bad.append(repr(outcome))


asyncio.run(main())
print(json.dumps({"good": good, "bad": bad[:10]}))
