"""Many random expressions, by hand: each number is a seed of its own.

    python tests/property/many_expressions.py --from 0 --count 1000000

Run it from the project's folder. It tells each seed with which something is wrong, and every ten
thousand seeds how far it has come; it ends with 1 if something was wrong.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from random_expressions import Draw, trouble


def said(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="start", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=10_000, help="number of seeds")
    given = parser.parse_args()
    wrong: Counter[str] = Counter()
    for seed in range(given.start, given.start + given.count):
        draw = Draw(seed)
        found = trouble(draw)
        if found:
            wrong[found] += 1
            said(f"seed {seed}: {found}\n  {draw.text!r}\n  {draw.scope!r}"[:2_000])
        if (seed + 1) % 10_000 == 0:
            said(f"tried up to {seed}; to go on: --from {seed + 1}")
    said(f"{given.count} expressions from seed {given.start}: {wrong.total()} with trouble")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
