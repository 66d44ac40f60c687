"""W1: cold start. A whole `fusion run` of one bundle and one mapped field, against bare Python.

Run it as `python tests/bench/w1.py`.
"""

import sys
import tempfile
from pathlib import Path

from measure import FUSION, HERE, process, rounds

ROUNDS = 15


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = (FUSION, "run", HERE / "w1.yaml", "--store", folder / "store")
        process(folder, *run)  # makes the store and the byte code cache
        bare, ours = rounds(
            ROUNDS,
            lambda: process(folder, sys.executable, "-I", "-c", "pass"),
            lambda: process(folder, *run),
        )
    print(f"bare python -I   {bare.wall * 1000:7.1f} ms wall  {bare.cpu * 1000:7.1f} ms cpu")
    print(f"fusion run       {ours.wall * 1000:7.1f} ms wall  {ours.cpu * 1000:7.1f} ms cpu")
    print(
        f"W1 / bare Python {ours.wall / bare.wall:7.1f} x wall   {ours.cpu / bare.cpu:7.1f} x cpu"
    )


if __name__ == "__main__":
    main()
