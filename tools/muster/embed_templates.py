#!/usr/bin/env python3
"""Writes files into a C++ source, as the table behind own_template() of tools/muster/importer.hh.
usage: embed_templates.py OUTPUT FILE..."""
import pathlib
import sys

# Octets, because a string literal has an end that a template could hold, and a greatest length.
output, *inputs = map(pathlib.Path, sys.argv[1:])
lines = ['#include "tools/muster/importer.hh"', "", "#include <algorithm>", "#include <array>", "",
         "namespace muster::cli {", "namespace {", "",
         "struct OwnTemplate {", "    std::string_view name;", "    std::string_view text;", "};", ""]
for number, path in enumerate(inputs):
    octets = path.read_bytes()
    assert octets, f"{path} is empty"
    signed = [str(octet if octet < 128 else octet - 256) for octet in octets]
    lines.append(f"constexpr char text_{number}[] = {{{','.join(signed)}}};")
lines.append(f"constexpr std::array<OwnTemplate, {len(inputs)}> own_templates{{{{")
lines += [f'    {{"{path.name}", {{text_{number}, sizeof text_{number}}}}},' for number, path in enumerate(inputs)]
lines += ["}};", "", "} // namespace", "",
          "const std::string_view* own_template(std::string_view name) {",
          "    const auto* const found = std::find_if(own_templates.begin(), own_templates.end(),",
          "        [name](const OwnTemplate& one) { return one.name == name; });",
          "    return found == own_templates.end() ? nullptr : &found->text;", "}", "",
          "} // namespace muster::cli", ""]
output.write_text("\n".join(lines))
