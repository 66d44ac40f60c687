"""P14: loading and checking a scenario of 200 nodes, beside what reading its YAML alone takes.

Target: at most 4x CSafeLoader and 150 us a mapped field. Also: `fusion --help` beside a bare start
of Python, at most 15x. Medians of several tries in one process each, taken in turn, so that a busy
machine slows both. Run: python tests/bench/validate_bench.py
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import yaml

from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.graph import check_graph

NODES = 200
FIELDS_OF_A_NODE = 4
TRIES = 9
PER_FIELD = 150e-6
"""Seconds that a mapped field may take beside four times the reading."""


def scenario() -> str:
    """Return a scenario of 200 nodes with four mapped fields each: item, sum, text and call."""
    lines = [
        "name: Two hundred nodes",
        "flow:",
        "  - id: order",
        "    module: tools.basic_trigger",
        "    with:",
        "      bundles: [{nr: 1, name: Ada, price: 12.5, city: Roma}]",
    ]
    before = "order"
    for number in range(1, NODES):
        lines += [
            f"  - id: step_{number}",
            "    module: tools.set_variables",
            "    with:",
            "      variables:",
            f'        name: "{{{{ {before}.name }}}}"',
            f'        nr: "{{{{ {before}.nr + {number} }}}}"',
            f'        title: "{{{{ {before}.name }}}} of {{{{ order.city }}}}, {number}"',
            f'        price: "{{{{ formatNumber({before}.price * {number}, 2) }}}}"',
        ]
        before = f"step_{number}"
    return "\n".join(lines) + "\n"


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's time for a work, with that of the processes that it starts."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    before = used()
    work()
    return used() - before


def in_turn(*works: Callable[[], object]) -> list[float]:
    """Return the median time of each work, all tried in turn."""
    times = [[seconds(work) for work in works] for _ in range(TRIES)]
    return [median(each) for each in zip(*times, strict=True)]


def loading() -> None:
    text, catalog, path = scenario(), Catalog(), Path("bench.yaml")

    def check() -> None:
        check_graph(load_text(text, path, catalog))

    check()
    alone, whole = in_turn(lambda: yaml.load(text, Loader=yaml.CSafeLoader), check)
    fields = (NODES - 1) * FIELDS_OF_A_NODE
    allowed = 4 * alone + fields * PER_FIELD
    print(f"CSafeLoader alone {alone * 1e3:.1f} ms, load and check {whole * 1e3:.1f} ms")
    print(f"{fields} mapped fields; allowed {allowed * 1e3:.1f} ms: {whole / allowed:.2f} of it")


def starting() -> None:
    fusion = str(Path(sys.executable).with_name("fusion"))
    bare, shown = in_turn(
        lambda: subprocess.run([sys.executable, "-I", "-c", "pass"], check=True),
        lambda: subprocess.run([fusion, "--help"], check=True, stdout=subprocess.DEVNULL),
    )
    print(f"python -I {bare * 1e3:.0f} ms, fusion --help {shown * 1e3:.0f} ms: {shown / bare:.1f}x")


if __name__ == "__main__":
    loading()
    starting()
