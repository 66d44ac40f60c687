"""Bundles stream: however many a source emits, a run holds a few at a time, unless it collects."""

import tracemalloc
from pathlib import Path
from textwrap import indent

import pytest
from runs import Bench

from engine.model.execution import Status

FEW = 150
"""More than history keeps of a node's first and last operations and of its failures (130), and than
can overlap here."""

BYTES = 16
"""Less than any object: what a bundle may leave behind on average."""

SOURCE = """
    flow:
      - id: source
        module: flood.source
        with: {count: COUNT}
"""
TOLD = """
      - id: most
        module: tools.numeric_aggregator
        with: {source: source, function: max, value: "{{ source.held }}"}
      - module: probe.record
        with: {text: "{{ most.result ~ '' }}"}
"""

MAPPED = """
      - id: mapped
        module: tools.set_variables
        with: {variables: {text: "{{ source.text }}", shout: "{{ upper(source.text) }}"}}
"""
FILTERED = """
      - id: chosen
        filter: "{{ mapped.text != 'text 3' }}"
        module: tools.compose_string
        with: {value: "{{ mapped.text }}"}
"""
READ = """
      - id: read
        module: tools.get_variable
        filter: "{{ source.text != '' }}"
        with: {name: nobody}
"""
SPREAD = """
      - id: spread
        module: flow.iterator
        with: {array: ["{{ source.text }}"]}
"""
REFUSED = """
      - module: flood.refuse
        with: {text: "{{ source.text }}"}
        on_error:
          - module: flow.resume
            with: {text: "{{ source.text }}"}
"""
COLLECTED = """
      - id: collected
        module: flow.array_aggregator
        with: {source: source, fields: {text: "{{ source.text }}"}}
"""


def routed(nodes: str) -> str:
    """Put nodes on the first route of a router, in front of a route that tells."""
    first, second = (indent(each.strip("\n"), " " * 8) for each in (nodes, TOLD))
    opening = "      - module: flow.router\n        routes:\n"
    return f"{opening}          - flow:\n{first}\n          - flow:\n{second}\n"


async def most_held(folder: Path, nodes: str, count: int) -> int:
    """Return how many bundles of the source were alive at once, at the most."""
    bench = Bench(folder, SOURCE.replace("COUNT", str(count)) + nodes)
    execution = await bench.run()
    assert execution.status is Status.SUCCESS
    return int(bench.seen[-1].partition(":")[2])


@pytest.mark.parametrize(
    "nodes",
    [
        MAPPED + TOLD,
        MAPPED + FILTERED + TOLD,
        READ + TOLD,
        READ.replace("filter", "concurrency: 8\n        filter") + TOLD,
        SPREAD + MAPPED + TOLD,
        REFUSED + TOLD,
        routed(MAPPED),
        routed(SPREAD + READ),
    ],
    ids=["mapped", "filtered", "read", "overlapping", "spread", "refused", "routed", "deep"],
)
async def test_a_run_holds_a_few_bundles_however_many_there_are(tmp_path: Path, nodes: str) -> None:
    assert await most_held(tmp_path, nodes, 1_000) <= FEW


async def test_only_what_an_aggregator_collects_is_held(tmp_path: Path) -> None:
    assert await most_held(tmp_path, routed(COLLECTED), 1_000) == 999


async def test_a_bundle_that_has_passed_leaves_nothing_behind(tmp_path: Path) -> None:
    async def peak(count: int) -> int:
        tracemalloc.start()
        try:
            await most_held(tmp_path, MAPPED + FILTERED + TOLD, count)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(100)  # fills what is cached once

    assert await peak(3_000) - await peak(300) < 2_700 * BYTES
