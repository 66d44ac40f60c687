"""W4: calls that wait, one at a time and overlapping, with their results in the order of the input.

The flow's time is taken inside the process, from the first call to the end of the aggregate. Wall
time is held against the limit, ceil(200 / concurrency) * 20 ms, beside what bare sockets take of
that in this run: where those are slow, the machine is. Run it as `python tests/bench/w4.py`.
"""

import asyncio
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
from delay_server import LATENCY_SECONDS
from measure import FUSION, HERE, Cost, check, process, rounds

from engine.app import clock
from engine.connect.client import HttpClient
from engine.module import Connection

COUNT = 200
ROUNDS = 5
WALL = {1: None, 10: 1.2, 50: 1.8, 200: 5.0}
"""P7: most times the limit, by concurrency."""
POOL = {10: 0.5, 50: 0.1}
"""P8: most of what a call costs through httpx's default pool."""

Ask = Callable[[int], Awaitable[int]]


def flow_cost(url: str, concurrency: int, folder: Path) -> Cost:
    """Run the scenario and check its answer; the cost is that of the flow alone."""
    scenario = folder / f"w4-{concurrency}.yaml"
    text = (HERE / "w4.yaml").read_text()
    scenario.write_text(text.replace("concurrency: 1", f"concurrency: {concurrency}"))
    connections = folder / "connections.yaml"
    entry = f"type: delay, base_url: '{url}', token: {{env: DELAY_TOKEN}}"
    connections.write_text(f"delay: {{{entry}}}\n")
    (folder / "answer.txt").unlink(missing_ok=True)
    run = (FUSION, "run", scenario, "--modules", HERE / "modules", "--connections", connections)
    given = ("--set", f"count={COUNT}", "--set", f"folder={folder}", "--store", folder / "store")
    process(folder, *run, *given)
    wall, cpu, *items = (folder / "answer.txt").read_text().split()
    check(f"order at {concurrency}", [int(item) for item in items], list(range(COUNT)))
    return Cost(float(wall), float(cpu))


async def _asked(ask: Ask, concurrency: int) -> Cost:
    """Ask for all items, as many at once as given."""
    left = iter(range(COUNT))

    async def ask_on() -> None:
        for i in left:
            check("item", await ask(i), i)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask_on() for _ in range(concurrency)))
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Ask]:
    async with HttpClient(Connection(url, "token"), clock=clock()) as http:

        async def ask(i: int) -> int:
            return int((await http.request("GET", f"/items/{i}")).body["i"])

        yield ask


@asynccontextmanager
async def default_pool(url: str) -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(trust_env=False) as http:

        async def ask(i: int) -> int:
            return int((await http.get(f"{url}/items/{i}")).json()["i"])

        yield ask


@asynccontextmanager
async def sockets(url: str) -> AsyncIterator[Ask]:
    """No HTTP to speak of: what the machine itself takes."""
    address = httpx.URL(url)
    kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(i: int) -> int:
        at = (address.host, address.port)
        reader, writer = kept.pop() if kept else await asyncio.open_connection(*at)
        writer.write(b"GET /items/%d HTTP/1.1\r\nHost: %b\r\n\r\n" % (i, address.netloc))
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(head.rpartition(b": ")[2]))
        kept.append((reader, writer))
        return int(body.rpartition(b":")[2].rstrip(b"}"))

    yield ask
    for _, writer in kept:
        writer.close()
        await writer.wait_closed()


Way = Callable[[str], AbstractAsyncContextManager[Ask]]


def asked(way: Way, url: str, concurrency: int) -> Cost:
    async def run() -> Cost:
        async with way(url) as ask:
            return await _asked(ask, concurrency)

    return asyncio.run(run())


def measured(url: str, folder: Path) -> None:
    calls: dict[int, float] = {}
    for concurrency, most in WALL.items():
        flow, client, bare = rounds(
            ROUNDS,
            lambda c=concurrency: flow_cost(url, c, folder),  # type: ignore[misc]
            lambda c=concurrency: asked(ours, url, c),  # type: ignore[misc]
            lambda c=concurrency: asked(sockets, url, c),  # type: ignore[misc]
        )
        limit = math.ceil(COUNT / concurrency) * LATENCY_SECONDS
        calls[concurrency] = flow.cpu / COUNT
        goal = f"   (P7: at most {most} x)" if most else ""
        print(
            f"W4 at {concurrency:3}  {flow.wall / limit:6.2f} x the limit, client alone "
            f"{client.wall / limit:5.2f} x, bare sockets {bare.wall / limit:5.2f} x{goal}"
        )
        for name, cost in (("flow", flow), ("client alone", client), ("bare sockets", bare)):
            print(f"    {name:13} {cost.cpu / COUNT * 1e6:7.0f} us of CPU a call")
    print(f"CPU of a call at 200 / at 10  {calls[200] / calls[10]:6.2f} x   (P7: at most 1.3 x)")
    for concurrency, share in POOL.items():
        client, pool = rounds(
            ROUNDS,
            lambda c=concurrency: asked(ours, url, c),  # type: ignore[misc]
            lambda c=concurrency: asked(default_pool, url, c),  # type: ignore[misc]
        )
        print(
            f"CPU of a call at {concurrency} / httpx's own pool  {client.cpu / pool.cpu:6.2f} x"
            f"   (P8: at most {share} x)"
        )


def main() -> None:
    os.environ["DELAY_TOKEN"] = "benchmark"
    server = subprocess.Popen(
        [sys.executable, HERE / "delay_server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        with tempfile.TemporaryDirectory() as name:
            flow_cost(url, 1, Path(name))  # makes the store and the byte code cache
            measured(url, Path(name))
    finally:
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
