"""W3: routing. What one more bundle costs that takes one of three routes, against a native loop.

Process start does not count: (time at BIG - time at SMALL) / (BIG - SMALL), in CPU seconds. Run it
as `python tests/bench/w3.py`.
"""

import tempfile
from pathlib import Path

from measure import Cost, answered, check, rounds, timed
from w2 import source

SMALL, BIG = 10_000, 60_000
ROUNDS = 5
COUNTS = {10_000: (3_334, 3_333, 3_333), 60_000: (20_000, 20_000, 20_000)}


def native(count: int) -> list[list[dict[str, str]]]:
    """Return the texts of the three routes: W3 as plain Python."""
    first: list[dict[str, str]] = []
    second: list[dict[str, str]] = []
    third: list[dict[str, str]] = []
    for item in source(count):
        if item["id"] % 3 == 0:
            first.append({"text": f"A:{item['id']}:{item['name'].upper()}"})
        if item["id"] % 3 == 1:
            second.append({"text": f"B:{item['id']}:{item['name'].upper()}"})
        if item["id"] % 3 == 2:
            third.append({"text": f"C:{item['id']}:{item['name'].upper()}"})
    return [first, second, third]


def flow_cost(count: int, folder: Path) -> Cost:
    """Run the scenario and check its answer: how many each route had, and the last text."""
    cost, words = answered("w3", folder, count=count)
    texts = native(count)
    check(f"counts at {count}", tuple(len(route) for route in texts), COUNTS[count])
    wanted = [word for route in texts for word in f"{len(route)} {route[-1]['text']}".split()]
    check(f"answer at {count}", words, wanted)
    return cost


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flow_cost(SMALL, folder)  # makes the store and the byte code cache
        small, big, loop = rounds(
            ROUNDS,
            lambda: flow_cost(SMALL, folder),
            lambda: flow_cost(BIG, folder),
            lambda: timed(lambda: native(BIG)),
        )
    ours = (big.cpu - small.cpu) / (BIG - SMALL)
    theirs = loop.cpu / BIG
    print(f"native loop     {theirs * 1e6:7.2f} us a bundle")
    print(f"W3 flow         {ours * 1e6:7.2f} us a bundle, {1 / ours:,.0f} bundles a second")
    print(f"W3 / native     {ours / theirs:7.1f} x   (P3: at most 20 x)")


if __name__ == "__main__":
    main()
