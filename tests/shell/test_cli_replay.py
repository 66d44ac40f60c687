"""Replays in numbers, told before they run, and with another scenario or from the trigger."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from clocks import StandingClock
from front_door import advice, fusion, write

from engine.app.replaying import Pace
from engine.cli.exits import Exit

ORDERS = """\
settings: {store_incomplete_executions: true}
flow:
  - id: order
    module: tools.basic_trigger
    with: {bundles: [{id: 1, price: 2}, {id: 2, price: null}, {id: 3, price: null}]}
  - id: note
    module: tools.set_variables
    with: {variables: {number: "{{ order.id }}"}}
  - id: total
    module: tools.set_variables
    with: {variables: {sum: "{{ order.price * 2 }}", of: "{{ note.number }}"}}
    on_error: [{module: flow.break}]
  - id: letter
    module: files.save_file
    with:
      folder: outbox
      file: {name: "{{ order.id }}.txt", data: "{{ total.sum }}"}
"""


@pytest.fixture(autouse=True)
def _two_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    Path("outbox").mkdir()
    assert fusion("run", write("orders.yaml", ORDERS)).exit_code == Exit.INCOMPLETE


def ids() -> list[str]:
    listed = json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"]
    return [one["id"] for one in listed]


def mend(record: str, price: str = "5") -> None:
    result = fusion("incomplete", "edit", record, "--set", f"order.price={price}")
    assert result.exit_code == Exit.OK, result.output


def replayed(*words: str) -> Result:
    result = fusion("replay", *words, "--json")
    assert result.stdout, result.stderr
    return result


def steps(*words: str) -> dict[str, str]:
    (told,) = json.loads(replayed(*words, "--plan").stdout)["replays"]
    return {step["node"]: step["act"] for step in told["steps"]}


def outbox() -> list[str]:
    return sorted(path.name for path in Path("outbox").iterdir())


def test_a_plan_says_what_would_run_and_runs_nothing() -> None:
    first, _ = ids()
    assert steps(first) == {
        "order": "REUSE",
        "note": "REUSE",
        "total": "RUN",
        "total.on_error.1": "RUN",
        "letter": "RUN",
    }
    assert outbox() == ["1.txt"]
    assert first in ids()


THROWN = """\
settings: {store_incomplete_executions: true}
flow:
  - id: order
    module: tools.basic_trigger
    with: {bundles: [{id: 1, name: "a/b"}]}
  - id: letter
    module: files.save_file
    with:
      folder: "out/{{ order.name }}"
      file: {name: x.txt, data: "{{ order.id }}"}
    on_error: [{module: flow.break}]
"""


def test_a_plan_names_each_field_that_differs_from_the_stored_attempt() -> None:
    Path("out").write_text("no folder")
    assert fusion("run", write("thrown.yaml", THROWN)).exit_code == Exit.INCOMPLETE
    (record,) = json.loads(fusion("incomplete", "list", "--node", "letter", "--json").stdout)[
        "incomplete"
    ]
    (same,) = json.loads(replayed(record["id"], "--plan").stdout)["replays"]
    assert same["differs"] == []
    assert fusion("incomplete", "edit", record["id"], "--set", "order.name=c").exit_code == 0
    (other,) = json.loads(replayed(record["id"], "--plan").stdout)["replays"]
    (field,) = other["differs"]
    assert (field["field"], field["before"]["value"], field["now"]["value"]) == (
        "folder",
        "out/a/b",
        "out/c",
    )
    assert 'folder: "out/a/b" -> "out/c"' in fusion("replay", record["id"], "--plan").stdout


def test_a_replay_does_what_its_plan_says() -> None:
    first, _ = ids()
    mend(first)
    planned = steps(first)
    (told,) = json.loads(replayed(first).stdout)["replays"]
    ran = {name for name, count in told["execution"]["nodes"].items() if count["operations"]}
    assert ran == {"total", "letter"}
    assert all(planned[name] == "RUN" for name in ran)
    assert outbox() == ["1.txt", "2.txt"]


def test_a_plan_in_a_file_is_applied_as_it_is() -> None:
    first, second = ids()
    mend(first)
    written = fusion("replay", first, "--plan", "--out", "plan.json")
    assert written.exit_code == Exit.OK
    applied = fusion(*advice(written.stderr))
    assert applied.exit_code == Exit.OK
    assert ids() == [second]
    assert outbox() == ["1.txt", "2.txt"]


def test_a_plan_is_refused_whole_once_its_record_has_changed() -> None:
    first, second = ids()
    mend(first)
    mend(second)
    fusion("replay", "--all", "--plan", "--out", "plan.json")
    mend(second, "6")
    refused = fusion("replay", "--apply", "plan.json")
    assert refused.exit_code == Exit.USAGE
    assert "error[E608]" in refused.stderr
    assert f"{second[:8]}: the record has changed" in refused.stderr
    assert outbox() == ["1.txt"]


def test_a_plan_is_refused_once_the_scenario_of_today_has_changed() -> None:
    first, _ = ids()
    mend(first)
    fusion("replay", first, "--current", "--plan", "--out", "plan.json")
    write("orders.yaml", ORDERS.replace("* 2", "* 3"))
    refused = fusion("replay", "--apply", "plan.json")
    assert refused.exit_code == Exit.USAGE
    assert "the scenario has changed" in refused.stderr
    assert "other fields" not in refused.stderr


def test_a_plan_is_refused_once_its_record_is_resolved() -> None:
    first, _ = ids()
    mend(first)
    fusion("replay", first, "--plan", "--out", "plan.json")
    assert fusion("replay", "--apply", "plan.json").exit_code == Exit.OK
    again = fusion("replay", "--apply", "plan.json")
    assert again.exit_code == Exit.USAGE
    assert "it is resolved" in again.stderr
    assert outbox() == ["1.txt", "2.txt"]


@pytest.mark.parametrize("text", ["", "[]", '{"format": "fusion replay plan"}', "\x00", "{"])
def test_a_file_that_is_no_plan_is_refused(text: str) -> None:
    result = fusion("replay", "--apply", write("plan.json", text))
    assert result.exit_code == Exit.USAGE
    assert "error[E701]" in result.stderr


def test_all_are_replayed_and_each_has_its_result() -> None:
    first, second = ids()
    mend(first)
    result = replayed("--scenario", "orders")
    assert result.exit_code == Exit.INCOMPLETE
    told = json.loads(result.stdout)
    assert [one["incomplete"]["status"] for one in told["replays"]] == ["resolved", "unresolved"]
    assert f"2 of 2: {second[:8]} still stored" in result.stderr
    assert ids() == [second]


def test_after_a_number_of_failures_nothing_more_is_begun() -> None:
    _, second = ids()
    result = replayed("--all", "--stop-on", "1")
    assert result.exit_code == Exit.INCOMPLETE
    told = json.loads(result.stdout)
    assert (len(told["replays"]), told["left"]) == (1, [second])


def test_one_that_cannot_begin_does_not_keep_the_others_from_it() -> None:
    first, second = ids()
    mend(first)
    mend(second)
    write("orders.yaml", "flow: []\n")
    assert fusion("incomplete", "edit", first, "--set", "order.id=7").exit_code == Exit.OK
    told = json.loads(replayed("--all", "--current").stdout)
    assert [one["refusal"] is not None for one in told["replays"]] == [True, True]
    assert ids() == [first, second]


async def test_replays_begin_no_faster_than_they_should() -> None:
    clock = StandingClock()
    pace = Pace(timedelta(seconds=6), clock)
    for work in (1.0, 0.0, 20.0, 0.0, 0.0):
        await pace.turn()
        clock.seconds += work
    assert clock.slept == [5.0, 6.0, 6.0]


@pytest.mark.parametrize("rate", ["10", "0/min", "ten/min", "5/day", "-1/s", "1.5/s"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    assert fusion("replay", "--all", "--rate", rate).exit_code == Exit.USAGE


def test_a_replay_from_the_trigger_runs_all_behind_it() -> None:
    first, _ = ids()
    mend(first)
    assert set(steps(first, "--from-trigger").values()) == {"REUSE", "RUN"}
    (told,) = json.loads(replayed(first, "--from-trigger").stdout)["replays"]
    ran = {name for name, count in told["execution"]["nodes"].items() if count["operations"]}
    assert ran == {"note", "total", "letter"}
    assert outbox() == ["1.txt", "2.txt"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id: total", "id: amount", "it has no node `total`"),
        ("id: note\n", "id: other\n", "`other` stands before `total` today"),
        (
            "settings:",
            "inputs: {who: {type: text, required: true}}\nsettings:",
            "the input `who` is required",
        ),
    ],
)
def test_a_scenario_of_today_that_does_not_fit_is_refused_with_the_reason(
    old: str, new: str, reason: str
) -> None:
    first, _ = ids()
    text = ORDERS.replace(old, new).replace("note.number", "order.id")
    write("orders.yaml", text.replace("total.sum", "amount.sum") if "amount" in new else text)
    result = fusion("replay", first, "--current")
    assert result.exit_code == Exit.USAGE
    assert "error[E608]" in result.stderr
    assert reason in result.stderr
    assert first in ids()


def test_the_scenario_of_today_may_map_its_fields_otherwise() -> None:
    first, _ = ids()
    write("orders.yaml", ORDERS.replace("order.price * 2", "ifempty(order.price, 9)"))
    (plan,) = json.loads(replayed(first, "--current", "--plan").stdout)["replays"]
    assert plan["misfit"] is None
    assert fusion("replay", first, "--current").exit_code == Exit.OK
    assert Path("outbox/2.txt").read_text() == "9"


def test_options_that_do_not_go_together_are_refused() -> None:
    first, _ = ids()
    for words in (
        (first, "--all"),
        (first, "--scenario", "orders"),
        (first, "--out", "plan.json"),
        ("--apply", "plan.json", first),
        ("--apply", "plan.json", "--plan"),
        ("--apply", "plan.json", "--text", "x"),
        (),
    ):
        assert fusion("replay", *words).exit_code == Exit.USAGE


def test_a_replay_works_where_the_scenario_lies_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = ids()
    mend(first)
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert fusion("replay", first).exit_code == Exit.OK
    assert (tmp_path / "outbox/2.txt").read_text() == "10"


def test_what_a_plan_advises_does_what_the_plan_says() -> None:
    first, second = (one[:8] for one in ids())
    planned = fusion("replay", "--all", "--from-trigger", "--current", "--plan")
    assert advice(planned.stderr) == ["replay", first, second, "--current", "--from-trigger"]
    assert f"{first}  orders, from the trigger's bundle on\n" in planned.stdout


def test_a_plan_of_many_names_none_of_them_in_its_advice() -> None:
    write("more.yaml", ORDERS.replace("{id: 1, price: 2}, ", "{id: 7, price: null}, " * 3))
    assert fusion("run", "more.yaml").exit_code == Exit.INCOMPLETE
    planned = fusion("replay", "--all", "--plan")
    assert planned.stderr == "next: the same without --plan\n"
