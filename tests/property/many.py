"""Engine against reference on many random scenarios, by hand: each number is a seed of its own.

    python tests/property/many.py --from 0 --count 20000

Run it from the project's folder. It tells each seed on which they disagree, and every thousand
seeds how far it has come; it ends with 1 if there was a disagreement.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from random_scenarios import disagreement, seeded


def said(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def differing(seeds: range, folder: Path) -> int:
    """Try each seed, and return how many disagree."""
    count = 0
    for seed in seeds:
        found = await disagreement(seeded(seed), folder)
        if found:
            count += 1
            said(f"seed {seed}\n{found}")
        if (seed + 1) % 1000 == 0:
            said(f"tried up to {seed}; to go on: --from {seed + 1}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="start", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=2000, help="number of seeds")
    given = parser.parse_args()
    seeds = range(given.start, given.start + given.count)
    with tempfile.TemporaryDirectory() as folder:
        count = asyncio.run(differing(seeds, Path(folder)))
    said(f"{given.count} scenarios from seed {given.start}: {count} disagreements")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
