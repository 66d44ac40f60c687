"""W1 and P5: cold start. A whole `fusion run` of one bundle and one mapped field.

Measured against bare Python, told beside what others took.

Run it as `python tests/bench/w1.py`.
"""

import tempfile
from pathlib import Path

from measure import FUSION, HERE, bare_start, process, rounds
from rivals import N8N_LEGACY, NODE_RED, W1, beside

ROUNDS = 15
TARGETS = {
    NODE_RED: "P5: at least 2.9 x, at most 0.35 of it",
    N8N_LEGACY: "P5: at least 10 x, at most 0.1 of it",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = (FUSION, "run", HERE / "w1.yaml", "--store", folder / "store")
        process(folder, *run)  # makes the store and the byte code cache
        bare, ours = rounds(
            ROUNDS,
            lambda: bare_start(folder),
            lambda: process(folder, *run),
        )
    print(f"bare python -I   {bare.wall * 1000:7.1f} ms wall  {bare.cpu * 1000:7.1f} ms cpu")
    print(f"fusion run       {ours.wall * 1000:7.1f} ms wall  {ours.cpu * 1000:7.1f} ms cpu")
    print(
        f"W1 / bare Python {ours.wall / bare.wall:7.1f} x wall   {ours.cpu / bare.cpu:7.1f} x cpu"
    )
    print(beside(ours.wall, bare.wall, W1, TARGETS), end="")


if __name__ == "__main__":
    main()
