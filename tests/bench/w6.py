"""W6 and P10, P11: what it costs that operations are remembered. `python tests/bench/w6.py`.

A durable read is W6 against the same scenario with pure modules, three operations a bundle, in CPU
seconds. A durable write is an intent and an outcome, each kept, against bare commits of SQLite.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from measure import Cost, answered, bare_start, check, rounds
from rivals import N8N_LEGACY, W6, beside

from engine.model.execution import Execution, Kind, Status
from engine.model.journal import Entry, OperationPlace, Origin, Stage
from engine.store.sqlite import open_sqlite

SMALL, BIG = 1_000, 5_000
ROUNDS = 3
TARGETS = {N8N_LEGACY: "P10: at least 20 x"}
PER_HUNDRED = 12_775.0
WRITES = 300


def flow_cost(name: str, count: int, folder: Path) -> Cost:
    cost, (kept, total) = answered(name, folder, count=count)
    check(f"answer at {count}", (int(kept), float(total)), (count // 2, count // 100 * PER_HUNDRED))
    return cost


def bare(folder: Path) -> float:
    """Return the median seconds of one commit of a row of 900 bytes, nothing else done."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, data BLOB)")
    took: list[float] = []
    for _ in range(WRITES):
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (data) VALUES (?)", (bytes(900),))
        connection.execute("COMMIT")
        took.append(time.perf_counter() - began)
    connection.close()
    return median(took)


async def kept(folder: Path) -> float:
    """Return the median seconds of one commit of the journal; a write step makes two."""
    store = await open_sqlite(folder / "kept", create=True)
    at = datetime(2026, 1, 31, tzinfo=UTC)
    execution = Execution("e1", "bench", Kind.SCENARIO, Status.RUNNING, at)
    await store.begin(execution, Origin("", ""))
    outputs = ({"text": "x" * 900},)
    took: list[float] = []
    for number in range(WRITES):
        place = OperationPlace("e1", "save", str(number // 2))
        stage = Stage.GAVE if number % 2 else Stage.BEGUN
        entry = Entry(place, stage, outputs=outputs if number % 2 else ())
        began = time.perf_counter()
        await store.journal.keep(entry)
        took.append(time.perf_counter() - began)
    await store.finish(execution)
    await store.close()
    return median(took)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flow_cost("w6", SMALL, folder)  # makes the store and the byte code cache
        small, big, pure_small, pure_big, start = rounds(
            ROUNDS,
            lambda: flow_cost("w6", SMALL, folder),
            lambda: flow_cost("w6", BIG, folder),
            lambda: flow_cost("w2", SMALL, folder),
            lambda: flow_cost("w2", BIG, folder),
            lambda: bare_start(folder),
        )
        commits = [(bare(folder), asyncio.run(kept(folder))) for _ in range(ROUNDS)]
    step = ((big.cpu - small.cpu) - (pure_big.cpu - pure_small.cpu)) / (BIG - SMALL) / 3
    plain, ours = min(commits, key=lambda pair: pair[0])
    sys.stdout.write(f"durable read    {step * 1e6:7.1f} us a step   (P10: at most 20)\n")
    thousand = (big.wall - small.wall) / (BIG - SMALL) * 1000
    sys.stdout.write(
        f"W6 flow of 1,000 {thousand:6.3f} s wall\n{beside(thousand, start.wall, W6, TARGETS)}"
    )
    sys.stdout.write(f"bare commit     {plain * 1e6:7.0f} us\n")
    sys.stdout.write(
        f"journal commit  {ours * 1e6:7.0f} us, {ours / plain:.2f} x (P11: at most 1.4)\n"
    )


if __name__ == "__main__":
    main()
