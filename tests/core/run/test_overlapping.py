"""Operations that overlap: order, room, errors, variables, and what ends a run midway.

Time is virtual: `slow.action` sleeps, and nothing else takes any.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from clocks import LoopClock, virtually
from runs import Bench
from trials import Reader

from engine.model.execution import Execution, Status

FLOW = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: came, module: slow.source, with: {count: COUNT}}
      - id: slow
        module: slow.action
        concurrency: 3
        with: {name: "{{ came.nr }}", seconds: "{{ get([SECONDS], came.nr) }}" FIELDS}
        MORE
      - {id: save, module: probe.record, with: {text: "{{ slow.name }}"}}
"""


def flow(seconds: str = "3, 1, 2, 1, 1", *, fields: str = "", more: str = "label: slow") -> str:
    text = FLOW.replace("COUNT", str(seconds.count(",") + 1)).replace("SECONDS", seconds)
    return text.replace("FIELDS", fields and f", {fields}").replace("MORE", more)


@dataclass
class Told:
    """What can be seen of a run; `seconds` is how long it took."""

    bench: Bench
    execution: Execution
    seconds: float

    @property
    def events(self) -> list[str]:
        """`*1` a bundle is taken from the source; `+1` begins, `-1` ends, `!1` is cancelled."""
        assert isinstance(self.bench.listener, Reader)
        return [text for _, text in self.bench.listener.read]

    def begun(self) -> list[str]:
        return [event for event in self.events if event[0] == "+"]


def run(folder: Path, text: str, *, interrupt_after: float | None = None) -> Told:
    async def told() -> Told:
        clock = LoopClock()
        bench = Bench(folder, text, clock=clock, listener=Reader())
        task = asyncio.create_task(bench.run())
        if interrupt_after is not None:
            await asyncio.sleep(interrupt_after)
            task.cancel()
        return Told(bench, await task, clock.monotonic())

    try:
        return virtually(told())
    except asyncio.CancelledError:
        raise AssertionError("the interruption has torn the run") from None


def lines(told: Told, node_id: str) -> list[str]:
    return [line for line in told.bench.seen if line.startswith(f"{node_id}:")]


def fails(name: str, error: str = "DataError") -> str:
    return f"fails: \"{{{{ if(came.nr == {name}, '{error}', null) }}}}\""


def test_results_go_on_in_the_order_of_bundles_whichever_ends_first(tmp_path: Path) -> None:
    told = run(tmp_path, flow("3, 1, 2"))

    assert [event for event in told.events if event[0] != "*"] == [
        "+1",
        "+2",
        "+3",
        "-2",
        "-3",
        "-1",
    ]
    assert told.bench.seen == ["save:1", "save:2", "save:3"]
    assert told.seconds == 3
    assert told.execution.nodes["slow"].operations == 3


def test_operations_begin_in_the_order_of_bundles_and_no_more_than_allowed_at_once(
    tmp_path: Path,
) -> None:
    told = run(tmp_path, flow("3, 1, 2, 1, 1, 5, 1, 1"))

    assert told.begun() == [f"+{number}" for number in range(1, 9)]
    at_once = [told.events[:k] for k in range(len(told.events))]
    assert max(sum((e[0] == "+") - (e[0] == "-") for e in events) for events in at_once) == 3


def test_operations_of_a_later_node_begin_in_the_order_of_bundles_too(tmp_path: Path) -> None:
    later = (
        '      - {id: later, module: slow.action, concurrency: 3, with: {name: "L{{ slow.name }}"}}'
    )

    told = run(tmp_path, flow("3, 1, 2").rstrip() + "\n" + later)

    assert [event for event in told.begun() if "L" in event] == ["+L1", "+L2", "+L3"]


def test_no_more_bundles_are_held_than_operations_may_overlap_and_one(tmp_path: Path) -> None:
    """What is taken from the source, while the first is on its way for long."""
    told = run(tmp_path, flow("9, 1, 1, 1, 1, 1, 1, 1"))

    before = told.events[: told.events.index("-1")]
    assert [event for event in before if event[0] == "*"] == ["*1", "*2", "*3", "*4"]


def test_errors_are_settled_when_the_turn_of_their_bundle_comes(tmp_path: Path) -> None:
    more = 'on_error: [{id: tell, module: probe.record, with: {text: "{{ came.nr }}"}}]'
    told = run(tmp_path, flow("3, 1, 2", fields=fails("2"), more=more))

    assert told.events.index("-2") < told.events.index("-1")
    assert told.bench.seen == ["save:1", "tell:2", "save:3"]
    assert told.execution.nodes["slow"].failed == 1


PREFIX = """
    flow:
      - {id: came, module: slow.source, with: {count: 3}}
      - {id: early, label: early, module: probe.record, with: {text: "{{ came.nr }}"}}
      - id: slow
        label: slow
        module: slow.action
        concurrency: 3
        with: {name: "{{ early.text }}", seconds: "{{ 4 - came.nr }}"}
      - {id: save, module: probe.record, with: {text: "{{ slow.name }}"}}
"""


def test_nodes_in_front_run_once_for_each_bundle_and_in_order(tmp_path: Path) -> None:
    told = run(tmp_path, PREFIX)

    assert lines(told, "early") == ["early:1", "early:2", "early:3"]
    assert lines(told, "save") == ["save:1", "save:2", "save:3"]
    assert told.execution.nodes["early"].operations == 3
    assert told.seconds == 3


@pytest.mark.parametrize("where", ["slow", "early"])
def test_a_bundle_that_a_filter_rejects_begins_nothing(tmp_path: Path, where: str) -> None:
    told = run(tmp_path, PREFIX.replace(f"label: {where}", 'filter: "{{ came.nr != 2 }}"'))

    assert told.begun() == ["+1", "+3"]
    assert lines(told, "save") == ["save:1", "save:3"]


def test_a_filter_that_fails_is_an_error_in_its_turn_and_begins_nothing(tmp_path: Path) -> None:
    more = 'filter: "{{ if(came.nr == 2, 7, true) }}"\n        on_error: [{module: flow.ignore}]'
    told = run(tmp_path, flow("3, 1, 2", more=more))

    assert told.begun() == ["+1", "+3"]
    assert told.bench.seen == ["save:1", "save:3"]
    assert [failed[0] for failed in told.bench.listener.failures] == ["slow"]


ROUTES = """
    flow:
      - {id: came, module: slow.source, with: {count: 2}}
      - module: flow.router
        routes:
          - filter: "{{ came.nr > 9 }}"
            flow: [{id: never, module: slow.action, concurrency: 4, with: {name: n}}]
          - flow:
              - {id: one, module: slow.action, concurrency: 4, with: {name: "a{{ came.nr }}"}}
              - {id: save, module: probe.record, with: {text: "{{ one.name }}"}}
          - flow: [{id: two, module: slow.action, concurrency: 4, with: {name: "b{{ came.nr }}"}}]
"""


def test_only_the_first_route_that_a_bundle_takes_begins_before_its_turn(tmp_path: Path) -> None:
    told = run(tmp_path, ROUTES)

    order = [event for event in told.events if event[0] in "+-"]
    assert order == ["+a1", "+a2", "-a1", "-a2", "+b1", "-b1", "+b2", "-b2"]
    assert told.bench.seen == ["save:a1", "save:a2"]


def test_a_variable_that_is_set_before_the_turn_counts_from_the_turn_on(tmp_path: Path) -> None:
    text = PREFIX.replace(
        "    flow:", "    settings: {store_incomplete_executions: true}\n    flow:", 1
    )
    setting = '{id: set, module: tools.set_variable, with: {name: last, value: "{{ came.nr }}"}}'
    text = text.replace("      - {id: early", f"      - {setting}\n      - {{id: early", 1)
    text = text.replace('text: "{{ slow.name }}"', 'text: "{{ slow.name }}", fail: DataError')

    told = run(tmp_path, text)

    records = virtually(told.bench.stored())
    assert [record.variables for record in records] == [{"last": n} for n in (1, 2, 3)]


@pytest.mark.parametrize(("directive", "status"), [("rollback", 3), ("commit", 1)])
def test_what_has_begun_when_the_run_stops_is_finished_counted_and_told(
    tmp_path: Path, directive: str, status: int
) -> None:
    more = f"on_error: [{{module: flow.{directive}}}]"
    told = run(tmp_path, flow("1, 4, 2, 1, 1", fields=fails("1"), more=more))

    assert told.execution.status == status
    assert told.bench.seen == []
    assert told.begun() == ["+1", "+2", "+3", "+4"]
    assert {"-2", "-3", "-4"} < set(told.events)
    assert told.execution.nodes["slow"].operations == 3
    note = "`slow` had begun on 3 later bundles: 3 finished, 0 failed; nothing went on with that"
    assert note in told.bench.listener.notes


def test_an_interruption_cancels_what_has_begun(tmp_path: Path) -> None:
    told = run(tmp_path, flow("1, 9, 9, 9, 9"), interrupt_after=2)

    assert told.seconds == 2
    assert [event for event in told.events if event[0] == "!"] == ["!2", "!3", "!4"]
    assert (told.execution.interrupted, told.bench.seen) == (True, ["save:1"])


def test_what_was_cut_off_before_its_turn_is_in_doubt_and_the_rest_goes_on(tmp_path: Path) -> None:
    told = run(tmp_path, flow("1, 9, 9, 9, 9"), interrupt_after=2)

    plan = told.bench.plan
    assert virtually(told.bench.store.cursor(plan.id, "came")) == {}
    virtually(told.bench.resume())
    records = virtually(told.bench.stored())
    assert {one.failure.type for one in records} == {"OutcomeUnknownError"}
    assert [one.bundles["came"]["nr"] for one in records] == [2, 3, 4]
    assert told.bench.seen == ["save:1", "save:5"]


def test_a_source_that_fails_midway_does_so_after_the_bundles_before(tmp_path: Path) -> None:
    text = flow("3, 1, 2").replace("count: 3", "count: 3, fail_after: 2")

    told = run(tmp_path, text)

    assert told.bench.seen == ["save:1", "save:2"]
    assert told.execution.failure is not None
    assert told.execution.failure.message == "the source broke"


def test_a_node_that_refuses_all_uses_nothing_that_has_begun(tmp_path: Path) -> None:
    told = run(tmp_path, flow("1, 4, 4, 4, 4, 4", fields=fails("1", "InvalidAccessTokenError")))

    records = virtually(told.bench.stored())
    assert [record.bundles["came"]["nr"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert told.bench.seen == []
    assert "+5" not in told.events


def test_a_node_that_refuses_all_sets_no_variable_ahead(tmp_path: Path) -> None:
    text = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: came, module: slow.source, with: {count: 2}}
      - id: step
        module: steps.waiting
        concurrency: 2
        with: {reads: "{{ came.nr }}", sets: cycle, faults: [[InvalidAccessTokenError]]}
    """

    told = run(tmp_path, text)

    records = virtually(told.bench.stored())
    assert [record.variables for record in records] == [{"cycle": "1"}] * 2


def test_a_retry_in_its_turn_leaves_what_is_behind_it_alone(tmp_path: Path) -> None:
    more = "on_error: [{module: flow.retry, with: {error_types: [DataError]}}]"
    told = run(tmp_path, flow("1, 1, 1", fields=f"{fails('1')}, attempts: 1", more=more))

    assert told.begun() == ["+1", "+2", "+3", "+1"]
    assert told.bench.seen == ["save:1", "save:2", "save:3"]
    assert (told.execution.status, told.seconds) == (Status.SUCCESS, 3)


def test_a_run_over_its_time_begins_nothing_more(tmp_path: Path) -> None:
    text = flow("40, 40, 40, 40, 40").replace("true}", "true, timeout_minutes: 0.5}", 1)

    told = run(tmp_path, text)

    assert told.begun() == ["+1", "+2", "+3"]
    assert told.execution.status is Status.ERROR
    assert told.execution.failure is not None
    assert "0.5 minutes" in told.execution.failure.message


NUMBERED = """
      - {id: count, module: tools.increment, with: {reset_after: cycle}}
      - {id: next, module: slow.action, concurrency: 3, with: {name: n}}
      - {id: told, module: probe.record, with: {text: "{{ slow.name }} is {{ count.i }}"}}
"""


def test_bundles_are_numbered_in_order_behind_nodes_that_overlap(tmp_path: Path) -> None:
    more = "on_error: [{module: flow.retry, with: {error_types: [DataError]}}]"
    text = flow("1, 1, 1", fields=f"{fails('1')}, attempts: 1", more=more)

    told = run(tmp_path, text.rstrip() + NUMBERED)

    assert lines(told, "told") == ["told:1 is 1", "told:2 is 2", "told:3 is 3"]
