#!/usr/bin/env python3
"""Holds the sources to the dependency rule: core knows nobody, net knows core, io knows core; net
and io meet only in tools, tests and bench. And core and net do no I/O: no clocks, sockets,
threads. Also: every parser with a fuzz target has a committed corpus, and every flag of musterd
stands in its man page."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAY_INCLUDE = {"core": {"core"}, "net": {"core", "net"}, "io": {"core", "io"}}
# Headers that perform effects or read clocks. <chrono> is allowed for its durations.
FORBIDDEN = re.compile(
    r"^(sys/(socket|epoll|eventfd|uio|stat|mman)\.h|netinet/.*|arpa/inet\.h|net/if\.h|liburing.*|rte_.*"
    r"|thread|mutex|shared_mutex|condition_variable|future|unistd\.h|fcntl\.h|poll\.h|time\.h|ctime"
    r"|filesystem|fstream|iostream|random)$")
CLOCKS = re.compile(r"(steady_clock|system_clock|high_resolution_clock)::now|\bclock_gettime\b|\bgettimeofday\b")

problems = []
for layer, allowed in MAY_INCLUDE.items():
    for path in sorted((ROOT / layer).rglob("*")):
        if path.suffix not in (".hh", ".cc"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{path.relative_to(ROOT)}:{number}"
            if own := re.match(r'#include "([^"/]+)/', line):
                if own[1] not in allowed:
                    problems.append(f"{where}: {layer} must not include {own[1]}")
            if layer == "io":
                continue
            if system := re.match(r"#include <([^>]+)>", line):
                if FORBIDDEN.match(system[1]):
                    problems.append(f"{where}: {layer} does no I/O, yet includes <{system[1]}>")
            if CLOCKS.search(line):
                problems.append(f"{where}: {layer} must not read a clock")

for target in sorted((ROOT / "tests/fuzz").glob("fuzz_*.cc")):
    corpus = ROOT / "tests/fuzz/corpus" / target.stem.removeprefix("fuzz_")
    if not corpus.is_dir() or not any(corpus.iterdir()):
        problems.append(f"{target.relative_to(ROOT)}: no corpus in {corpus.relative_to(ROOT)}")

options = ROOT / "tools/musterd/options.cc"
manual = ROOT / "deploy/man/musterd.8"
if options.exists():
    flags = re.findall(r'^\s*\(?\(?"([a-z][a-z-]+)",', options.read_text(), re.M)
    text = manual.read_text().replace("\\-", "-") if manual.exists() else ""
    for flag in sorted(set(flags)):
        if f"--{flag}" not in text and f"Fl -{flag}" not in text:
            problems.append(f"deploy/man/musterd.8: flag --{flag} is not documented")
    if not flags:
        problems.append("tools/musterd/options.cc: found no flags to check (has their form changed?)")

print("\n".join(problems))
sys.exit(1 if problems else 0)
