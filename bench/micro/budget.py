#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the result of the micro benchmarks against their budgets: budget.py RESULT.json

The budgets follow from the floors: a bare responder that does none of a server's work needs about
8 µs of CPU for a DHCP exchange and 10 µs for a small HTTP request, all of it the kernel's, and a GSO
window of 16 blocks about 20 µs. An engine may add a fifth to that. A budget that is passed is a
remark, not an error: machines differ, and no test asserts a time."""
import json
import sys

# Nanoseconds a step, on a core of a few GHz.
STEP_NS = {
    "dhcp_read": 250,
    "dhcp_exchange_new": 1600,
    "dhcp_exchange_again": 1600,
    "ipv4_udp_write": 200,
    "tftp_request_read": 150,
    "tftp_window/1/1": 200,
    "tftp_window/5000/1": 400,
    "tftp_window/5000/16": 400,
    "http_head_read": 500,
    "http_get/64": 2000,
    "http_get/10000": 2000,
    "timer_arm": 50,
    "timer_fire": 100,
    "slab_claim_release": 20,
    "mailbox_message": 100,
}
# Bytes of state for each thing that there may be thousands of.
STATE_BYTES = {"session_bytes": 512, "connection_bytes": 1024}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        benchmarks = json.load(file)["benchmarks"]
    broken = [b["name"] for b in benchmarks if b.get("error_occurred")]
    print("| step | ns | budget | |\n|---|--:|--:|---|")
    sizes = {}
    for run in benchmarks:
        if run.get("error_occurred") or run.get("run_type") == "aggregate":
            continue
        budget = STEP_NS.get(run["name"])
        remark = "no budget" if budget is None else "OVER" if run["cpu_time"] > budget else ""
        print(f"| {run['name']} | {run['cpu_time']:.0f} | {budget or '-'} | {remark} |")
        sizes |= {name: run[name] for name in STATE_BYTES if name in run}
    print("\n| state | bytes | budget | |\n|---|--:|--:|---|")
    for name, size in sizes.items():
        print(f"| {name} | {size:.0f} | {STATE_BYTES[name]} | {'OVER' if size > STATE_BYTES[name] else ''} |")
    if broken:
        print(f"\nfailed: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
