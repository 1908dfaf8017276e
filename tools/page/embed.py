#!/usr/bin/env python3
"""Writes the page and the description of the API into a C++ source, as it is and compressed: the table behind embedded_assets() of tools/musterd/assets.hh. usage: embed.py OUTPUT FILE..."""
import base64
import gzip
import hashlib
import pathlib
import re
import sys

WHERE = {
    "index.html": ("/", "text/html; charset=utf-8"),
    "openapi.json": ("/api/v1/openapi.json", "application/json"),
}


def hashes(text, tag):
    """What a Content-Security-Policy says to allow the inline elements of this text, and no other."""
    found = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.S)
    return " ".join("'sha256-" + base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() + "'"
                    for one in found) or "'none'"


def policy(octets):
    text = octets.decode()
    return "; ".join(["default-src 'none'", "script-src " + hashes(text, "script"),
                      "style-src " + hashes(text, "style"), "img-src data:", "connect-src 'self'",
                      "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])


def array(name, octets):
    # Octets, because a string literal has an end that a text could hold, and a greatest length.
    signed = ",".join(str(octet if octet < 128 else octet - 256) for octet in octets)
    return f"constexpr char {name}[] = {{{signed}}};"


def main():
    output, *inputs = map(pathlib.Path, sys.argv[1:])
    lines = ['#include "tools/musterd/assets.hh"', "", "#include <array>", "", "namespace muster {", "namespace {", ""]
    rows = []
    for number, path in enumerate(inputs):
        octets = path.read_bytes()
        assert octets, f"{path} is empty"
        where, media_type = WHERE[path.name]
        lines.append(array(f"plain_{number}", octets))
        lines.append(array(f"gzip_{number}", gzip.compress(octets, 9, mtime=0)))
        allowed = policy(octets) if media_type.startswith("text/html") else ""
        etag = hashlib.sha256(octets).hexdigest()[:32]
        rows.append(f'    EmbeddedAsset{{"{where}", "{media_type}", "{allowed}", "{etag}", '
                    f"{{plain_{number}, sizeof plain_{number}}}, {{gzip_{number}, sizeof gzip_{number}}}}},")
    lines += [f"constexpr std::array<EmbeddedAsset, {len(rows)}> embedded{{{{", *rows, "}};", "", "} // namespace", "",
              "std::span<const EmbeddedAsset> embedded_assets() noexcept {", "    return embedded;", "}", "",
              "} // namespace muster", ""]
    output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
