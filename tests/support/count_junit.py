#!/usr/bin/env python3
"""Prints `passed failed skipped` of a JUnit file as Meson writes it: single test cases where the
test binary reported them, the whole binary as one case otherwise."""
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
try:
    root = ElementTree.parse(sys.argv[1]).getroot()
except (OSError, ElementTree.ParseError) as error:
    print(0, 1, 0)
    sys.exit(f"{sys.argv[1]}: {error}")
for case in root.iter("testcase"):
    if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
    elif case.find("skipped") is not None:
        skipped += 1
    else:
        passed += 1
print(passed, failed, skipped)
