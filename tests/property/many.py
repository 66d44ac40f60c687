"""Engine against reference on many random scenarios, by hand: each number is a seed of its own.

    python tests/property/many.py --from 0 --count 20000

Run it from the project's folder. Each scenario runs one operation at a time and, if some may
overlap, once more with up to 2, 3 or 10 at a time. It tells each seed on which they disagree, and
every thousand seeds how far it has come; it ends with 1 if there was a disagreement.
"""

import argparse
import asyncio
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from clocks import VirtualLoop
from random_scenarios import VARIANTS, seeded
from trials import disagreement, loaded, under

from engine.plan.plan import Plan

OVERLAPPING = (2, 3, 10)


def said(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@lru_cache(maxsize=1)
def plan_of(nodes: int, folder: Path) -> Plan:
    return loaded(seeded(nodes * VARIANTS), folder)


async def differs(seed: int, folder: Path) -> bool:
    try:
        scenario = seeded(seed)
        plan = under(plan_of(seed // VARIANTS, folder), scenario)
        found = await disagreement(plan, scenario, folder, 1, OVERLAPPING[seed % 3])
    except Exception as error:  # told with its seed, as a disagreement is
        found = f"{type(error).__name__}: {error}"
    if found:
        said(f"seed {seed}\n{found}")
    return bool(found)


def differing(seeds: range, folder: Path) -> int:
    """Try each seed, and return how many disagree."""
    count = 0
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        for seed in seeds:
            count += runner.run(differs(seed, folder))
            if (seed + 1) % 1000 == 0:
                said(f"tried up to {seed}, {count} disagreements; to go on: --from {seed + 1}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="start", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=2000, help="number of seeds")
    given = parser.parse_args()
    seeds = range(given.start, given.start + given.count)
    with tempfile.TemporaryDirectory() as folder:
        count = differing(seeds, Path(folder))
    said(f"{given.count} scenarios from seed {given.start}: {count} disagreements")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
