"""W7: failure. What a bundle costs that fails and is marked on its error route, against a good one.

The same flow runs with bundles that all pass and that all fail, at two sizes, so that process start
does not count: (time at BIG - time at SMALL) / (BIG - SMALL), in CPU seconds. Run it as
`python tests/bench/w7.py`.
"""

import tempfile
from pathlib import Path

from measure import Cost, answered, check, rounds

SMALL, BIG = 2_000, 22_000
ROUNDS = 5
NONE, TENTH, ALL = "none", "3", "0123456789"
"""Last digits of the ids that fail."""


def flow_cost(count: int, failing: str, folder: Path) -> Cost:
    """Run the scenario and check its answer."""
    cost, words = answered("w7", folder, count=count, failing=failing)
    failed = count * sum(digit.isdigit() for digit in failing) // 10
    check(f"answer at {count}", [int(word) for word in words], [count - failed, failed])
    return cost


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flow_cost(1_000, TENTH, folder)  # 900 and 100; makes the store and the byte code cache
        whole, few, good, few_failed, failed = rounds(
            ROUNDS,
            lambda: flow_cost(1_000, TENTH, folder),
            lambda: flow_cost(SMALL, NONE, folder),
            lambda: flow_cost(BIG, NONE, folder),
            lambda: flow_cost(SMALL, ALL, folder),
            lambda: flow_cost(BIG, ALL, folder),
        )
    one = (good.cpu - few.cpu) / (BIG - SMALL)
    one_failed = (failed.cpu - few_failed.cpu) / (BIG - SMALL)
    flow = 900 * one + 100 * one_failed
    print(f"a good bundle   {one * 1e6:7.2f} us")
    print(f"a failed one    {one_failed * 1e6:7.2f} us")
    print(f"W7 flow, 1,000  {flow:7.3f} s   (Node-RED 5.0.7 on another day: 0.096 s)")
    print(f"W7 whole        {whole.wall:7.2f} s wall")
    print(f"failed / good   {one_failed / one:7.1f} x   (P12: at most 6 x)")


if __name__ == "__main__":
    main()
