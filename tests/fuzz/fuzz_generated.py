"""Programs made from nothing, under sanitizers: ``python -m tests.fuzz.fuzz_generated --count 10000000``.

Prints how many were accepted, by operator. Ends with status 1 if one of them is in fewer than ``--least``; with the
sanitizer's report and the program's number if something is wrong: ``--first NUMBER --count 1`` runs that one again.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.kernels.sanitized import build_harness, run_generated


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--least", type=int, default=1_000, help="accepted programs that every operator has to be in")
    options = parser.parse_args()
    harness = build_harness()
    begin = time.monotonic()
    counts, operators = run_generated(harness, options.first, options.count)
    accepted = sum(counts) - counts.rejected
    print(f"{sum(counts):,} programs in {time.monotonic() - begin:.0f} s, {accepted:,} accepted, {counts.ran:,} run")
    for name, number in sorted(operators.items(), key=lambda item: item[1]):
        print(f"{number:12,} {name}")
    return int(min(operators.values()) < options.least)


if __name__ == "__main__":
    sys.exit(main())
