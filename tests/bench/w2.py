"""W2, P1 and P2: the flow, and the whole process beside what others took.

The flow is what one more bundle costs, against the same work as a native loop of this run. Process
start does not count: (time at BIG - time at SMALL) / (BIG - SMALL), in CPU seconds. Run it as
`python tests/bench/w2.py`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Cost, answered, bare_start, check, rounds, timed
from rivals import N8N_LEGACY, NODE_RED, W2, beside

SMALL, BIG = 10_000, 60_000
ROUNDS = 5
TARGETS = {NODE_RED: "P2: at least 4 x", N8N_LEGACY: "P2: at least 25 x"}
PER_HUNDRED = 12_775.0
"""The sum grows by this with every 100 bundles; 1,277,500 at 10,000."""


def source(count: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        yield {
            "id": i,
            "name": f"User {i}",
            "email": f"user{i}@example.com",
            "qty": i % 10 + 1,
            "price": i % 100 + 0.5,
            "active": i % 2 == 0,
        }


def native(count: int) -> tuple[int, float]:
    """Return (how many are active, their sum): W2 as plain Python."""
    kept = []
    for item in source(count):
        user = {
            "id": item["id"],
            "label": item["name"].upper(),
            "total": item["qty"] * item["price"],
            "contact": f"{item['name']} <{item['email']}>",
            "active": item["active"],
        }
        if user["active"]:
            kept.append({"id": user["id"], "total": user["total"]})
    ids = [user["id"] for user in kept]
    return len(ids), sum(user["total"] for user in kept)


def flow_cost(count: int, folder: Path) -> Cost:
    """Run the scenario and check its answer."""
    cost, (kept, total) = answered("w2", folder, count=count)
    wanted = (count // 2, count // 100 * PER_HUNDRED)
    check(f"answer at {count}", (int(kept), float(total)), wanted)
    return cost


def main() -> None:
    check("native loop", native(SMALL), (SMALL // 2, SMALL // 100 * PER_HUNDRED))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flow_cost(SMALL, folder)  # makes the store and the byte code cache
        small, big, loop, bare = rounds(
            ROUNDS,
            lambda: flow_cost(SMALL, folder),
            lambda: flow_cost(BIG, folder),
            lambda: timed(lambda: native(BIG)),
            lambda: bare_start(folder),
        )
    ours = (big.cpu - small.cpu) / (BIG - SMALL)
    theirs = loop.cpu / BIG
    print(f"native loop     {theirs * 1e6:7.2f} us a bundle")
    print(f"W2 flow         {ours * 1e6:7.2f} us a bundle, {1 / ours:,.0f} bundles a second")
    print(f"W2 whole at 10k {small.wall:7.2f} s wall")
    print(f"W2 / native     {ours / theirs:7.1f} x   (P1: at most 15 x)")
    print(beside(small.wall, bare.wall, W2, TARGETS), end="")


if __name__ == "__main__":
    main()
