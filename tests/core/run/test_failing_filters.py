"""Filters of routers and routes that fail: an error of the router, once for a bundle."""

from pathlib import Path

import pytest
from runs import Bench

from engine.model.execution import Execution, Status

ROUTER = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: came, module: tools.basic_trigger, with: {bundles: [{nr: 1}, {nr: 2}]}}
      - id: fork
        module: flow.router
        OWN
        routes:
          - flow: [{id: one, module: probe.record, with: {text: "{{ came.nr }}"}}]
          - filter: "{{ SECOND }}"
            flow: [{id: two, module: probe.record, with: {text: "{{ came.nr }}"}}]
          - flow: [{id: three, module: probe.record, with: {text: "{{ came.nr }}"}}]
"""
NO_BOOLEAN = "if(came.nr == 1, 7, true)"
SECOND_BUNDLE = ["one:2", "two:2", "three:2"]


async def run(
    folder: Path, own: str = "label: fork", second: str = NO_BOOLEAN
) -> tuple[Bench, Execution]:
    bench = Bench(folder, ROUTER.replace("OWN", own).replace("SECOND", second))
    return bench, await bench.run()


async def test_a_bundle_on_which_a_route_s_filter_fails_takes_no_later_route(
    tmp_path: Path,
) -> None:
    """A replay starts at the router, so that what has not been taken is taken then."""
    bench, execution = await run(tmp_path)

    assert bench.seen == ["one:1", *SECOND_BUNDLE]
    assert [record.node_id for record in await bench.stored()] == ["fork"]
    assert execution.nodes["fork"].failed == 1


async def test_a_router_s_own_filter_that_fails_is_one_error(tmp_path: Path) -> None:
    bench, execution = await run(tmp_path, f'filter: "{{{{ {NO_BOOLEAN} }}}}"', "true")

    assert bench.seen == SECOND_BUNDLE
    assert len(await bench.stored()) == execution.nodes["fork"].failed == 1


@pytest.mark.parametrize(
    ("directive", "seen", "status"),
    [
        ("ignore", ["one:1", *SECOND_BUNDLE], Status.SUCCESS),
        ("resume", ["one:1", "three:1", *SECOND_BUNDLE], Status.SUCCESS),
        ("commit", ["one:1"], Status.SUCCESS),
        ("rollback", ["one:1"], Status.ERROR),
    ],
)
async def test_a_handler_on_the_router_says_what_becomes_of_the_bundle(
    tmp_path: Path, directive: str, seen: list[str], status: Status
) -> None:
    bench, execution = await run(tmp_path, f"on_error: [{{module: flow.{directive}}}]")

    assert (bench.seen, execution.status) == (seen, status)
