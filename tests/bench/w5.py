"""W5: memory. The most that a whole process held, as the number of bundles grows a hundredfold.

W2 collects half of its bundles as rows of an array; beside it stands the same way of a bundle to a
sum, where nothing is collected and memory must stay flat. Run it as `python tests/bench/w5.py`.
"""

import tempfile
from pathlib import Path

from measure import answered, check
from w2 import PER_HUNDRED, flow_cost

COUNTS = (10_000, 100_000, 1_000_000)
MIB = 1024 * 1024
CONFIG = "expressions: {array: 1000000, built: 160000000, work: 2000000}\n"
"""W2's answer reads an array of 500,000 rows, which is more than expressions may by default."""


def collecting_peak(count: int, folder: Path) -> float:
    """Return the peak of W2 in bytes."""
    return flow_cost(count, folder).peak


def streaming_peak(count: int, folder: Path) -> float:
    """Return the peak in bytes where nothing is collected."""
    cost, words = answered("w5", folder, count=count)
    check(f"sum at {count}", [float(word) for word in words], [count // 100 * PER_HUNDRED])
    return cost.peak


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "store").mkdir(mode=0o700)
        (folder / "store/config.yaml").write_text(CONFIG)
        collecting_peak(COUNTS[0], folder)  # makes the store and the byte code cache
        rows = [collecting_peak(count, folder) for count in COUNTS]
        flat = [streaming_peak(count, folder) for count in COUNTS]
    for what, peaks in (("W2, half of it collected", rows), ("the same, summed up", flat)):
        shown = ", ".join(f"{peak / MIB:6.1f}" for peak in peaks)
        print(f"{what:25} {shown} MiB at {', '.join(f'{count:,}' for count in COUNTS)}")
    print(f"W2, 1M / 10k     {rows[-1] / rows[0]:6.2f} x    (P9: at most 2.5 x)")
    print(
        f"W2, 10k          {rows[0] / MIB:6.1f} MiB  (P9: at most 60.7, a sixth of Node-RED's 364)"
    )
    print(f"summed, 1M - 10k {(flat[-1] - flat[0]) / MIB:6.1f} MiB")


if __name__ == "__main__":
    main()
