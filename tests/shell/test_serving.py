"""Scenarios under `fusion serve`: events in order, side by side, retried, rested, never lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from runs import Listener
from served import PROBES, at_work

from engine.app import Operator, catalog, clock, opened
from engine.app.running import RunRequest, run_scenario
from engine.app.worker import Stillness
from engine.errors import ScenarioError, SetupError, StoreBusyError, StoreError
from engine.model.events import Hook
from engine.model.execution import IncompleteStatus, Status

RINGS = """\
settings: {{{settings}}}
flow:
  - id: bell
    module: bell.ring
  - module: probe.record
    with: {{text: "{{{{ bell.word }}}}", fail: "{{{{ bell.fail }}}}"}}
"""

GATED = """\
flow:
  - id: bell
    module: bell.ring
  - module: gate.pass
    with: {name: "{{ bell.word }}"}
"""


def write(folder: Path, name: str = "rings", settings: str = "") -> str:
    (folder / f"{name}.yaml").write_text(RINGS.format(settings=settings))
    return f"{name}.yaml"


def gate_of(folder: Path) -> Any:
    """Return the class of `gate.pass` as this serve has it."""
    return catalog(Operator(store=folder / ".fusion", modules=(PROBES,))).module("gate.pass")


def seen(folder: Path) -> list[str]:
    path = folder / "seen.txt"
    return (
        [line.partition(":")[2] for line in path.read_text().splitlines()] if path.exists() else []
    )


async def test_each_event_is_a_run_in_the_order_of_arrival(tmp_path: Path) -> None:
    words = [f"word {number}" for number in range(8)]
    async with at_work(tmp_path, write(tmp_path)) as serve:
        for word in words:
            assert await serve.ring("rings", word=word) == 200
        await serve.heard.until_ran(8)
        assert await serve.store.events.waiting("rings") == 0
    assert seen(tmp_path) == words
    assert [event for _, _, event in serve.heard.runs] == words


async def test_an_event_that_comes_twice_runs_once(tmp_path: Path) -> None:
    async with at_work(tmp_path, write(tmp_path)) as serve:
        for word in ("ding", "ding", "dong"):
            assert await serve.ring("rings", word=word) == 200
        await serve.heard.until_ran(2)
        assert await serve.ring("rings", word="ding") == 200
        assert serve.heard.texts("event")[-1] == "event ding had come before"
    assert seen(tmp_path) == ["ding", "dong"]


async def test_what_the_trigger_refuses_or_ignores_is_not_stored(tmp_path: Path) -> None:
    async with at_work(tmp_path, write(tmp_path)) as serve:
        url = serve.url("rings")
        assert (await serve.http.post(url, json={"word": "ding"})).status_code == 401
        assert await serve.ring("rings", another="ding") == 200
        assert await serve.ring("rings", word=None) == 200
        reply = await serve.http.post(url, json=["a list"], headers={"x-bell": "ours"})
        assert reply.status_code == 500  # the trigger itself breaks
        assert await serve.store.events.waiting("rings") == 0
    assert seen(tmp_path) == []


async def test_an_event_is_only_accepted_once_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(tmp_path, write(tmp_path)) as serve:

        async def full(_event: Any) -> bool:
            raise StoreError("no space left")

        with monkeypatch.context() as disk:
            disk.setattr(serve.store.events, "add", full)
            reply = await serve.http.post(
                serve.url("rings"), json={"word": "ding"}, headers={"x-bell": "ours"}
            )
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert await serve.ring("rings", word="ding") == 200
        await serve.heard.until_ran(1)


async def test_no_more_events_wait_than_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.app.hooking.WAITING_EVENTS", 1)
    async with at_work(tmp_path, write(tmp_path)) as serve:
        await serve.store.set_active("rings", active=False)
        assert await serve.ring("rings", word="ding") == 200
        assert await serve.ring("rings", word="dong") == 503
        await serve.store.set_active("rings", active=True)
        await serve.heard.until_ran(1)
        assert await serve.ring("rings", word="dong") == 200
        await serve.heard.until_ran(2)
    assert seen(tmp_path) == ["ding", "dong"]


async def test_inputs_go_to_the_scenarios_that_have_them(tmp_path: Path) -> None:
    text = RINGS.format(settings="").replace("bell.word }}", "bell.word }}{{ inputs.end }}")
    head = "inputs: {end: {type: text, required: true}}\n"
    (tmp_path / "ends.yaml").write_text(head + text)
    async with at_work(tmp_path, "ends.yaml", write(tmp_path), inputs={"end": "!"}) as serve:
        assert await serve.ring("ends", word="ding") == 200
        await serve.heard.until_ran(1)
        assert await serve.ring("rings", word="dong") == 200
        await serve.heard.until_ran(2)
    assert seen(tmp_path) == ["ding!", "dong"]


async def test_an_input_that_no_scenario_has_or_that_is_missing_is_told(tmp_path: Path) -> None:
    head = "inputs: {end: {type: text, required: true}}\n"
    (tmp_path / "ends.yaml").write_text(head + RINGS.format(settings=""))
    with pytest.raises(ScenarioError) as caught:
        async with at_work(tmp_path, "ends.yaml", write(tmp_path), inputs={"ned": "!"}):
            pass
    assert {problem.code for problem in caught.value.problems} == {"E401"}
    assert any("`ned`" in problem.message for problem in caught.value.problems)
    assert any("`end`" in problem.message for problem in caught.value.problems)


FETCHES = """\
settings: {store_incomplete_executions: true}
flow:
  - id: bell
    module: bell.ring
  - id: got
    module: files.get_file
    with: {path: "{{ bell.word }}"}
  - module: probe.record
    with: {text: "{{ got.file.name }}", fail: ""}
"""


async def fetched(folder: Path, *words: str) -> list[str]:
    """Let events name files; return the names of those that were read."""
    (folder / "rings.yaml").write_text(FETCHES)
    async with at_work(folder, "rings.yaml") as serve:
        for word in words:
            assert await serve.ring("rings", word=word) == 200
        await serve.heard.until_ran(len(words))
    return seen(folder)


async def test_what_others_send_leads_to_no_file_outside_of_the_scenarios_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for path in (tmp_path / "secret.txt", folder / "inside.txt"):
        path.write_text("text")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")

    words = (str(tmp_path / "secret.txt"), "link.txt", "../secret.txt", "~/.profile", "inside.txt")
    assert await fetched(folder, *words) == ["inside.txt"]


async def test_the_operator_says_in_which_folders_files_may_lie(tmp_path: Path) -> None:
    folder, other = tmp_path / "work", tmp_path / "other"
    for each in (folder, other):
        each.mkdir()
        (each / "a.txt").write_text("text")
    (folder / ".fusion").mkdir(mode=0o700)
    (folder / ".fusion/config.yaml").write_text("file_roots: [../../other]\n")

    assert await fetched(folder, "a.txt", str(other / "a.txt")) == ["a.txt"]


async def test_events_that_came_before_wait_for_the_next_serve(tmp_path: Path) -> None:
    name = write(tmp_path)
    async with at_work(tmp_path, name) as serve:
        await serve.store.set_active("rings", active=False)
        for word in ("ding", "dong"):
            assert await serve.ring("rings", word=word) == 200
        assert "inactive" in await serve.heard.until("rests")
        await serve.store.set_active("rings", active=True)
        serve.task.cancel()
    assert seen(tmp_path) == []
    async with at_work(tmp_path, name) as again:
        await again.heard.until_ran(2)
        assert await again.ring("rings", word="ding") == 200
        assert await again.store.events.waiting("rings") == 0
    assert seen(tmp_path) == ["ding", "dong"]


async def test_the_first_error_deactivates_and_keeps_the_event_in_front(tmp_path: Path) -> None:
    async with at_work(tmp_path, write(tmp_path)) as serve:
        await serve.ring("rings", word="bad", fail="DataError")
        assert "bad waits" in await serve.heard.until("deactivated")
        await serve.ring("rings", word="good")
        assert not (await serve.store.scenario("rings")).active
        first = await serve.store.events.first("rings")
        assert first is not None
        assert first.id == "bad"
        assert await serve.store.events.waiting("rings") == 2
    assert seen(tmp_path) == ["bad"]


async def test_a_lost_connection_lets_the_event_come_again_and_in_the_end_deactivates(
    tmp_path: Path,
) -> None:
    name = write(tmp_path, settings="retry_schedule: [1s, 1h]")
    async with at_work(tmp_path, name) as serve:
        await serve.ring("rings", word="far", fail="ConnectionError")
        await serve.heard.until("postponed", 2)
        first = await serve.store.events.first("rings")
        assert first is not None
        assert first.attempts == 2
        await serve.store.events.postpone(first, clock().now())  # an hour later
        await serve.ring("rings", word="behind")
        await serve.heard.until("deactivated")
    assert seen(tmp_path) == ["far"] * 3


async def test_a_stored_failure_does_not_hold_up_the_next_event(tmp_path: Path) -> None:
    name = write(tmp_path, settings="store_incomplete_executions: true")
    async with at_work(tmp_path, name) as serve:
        await serve.ring("rings", word="bad", fail="DataError")
        await serve.ring("rings", word="good")
        await serve.heard.until_ran(2)
    assert [status for _, status, _ in serve.heard.runs] == [Status.WARNING, Status.SUCCESS]
    assert seen(tmp_path) == ["bad", "good"]


async def test_a_sequential_scenario_rests_until_nothing_is_unresolved(tmp_path: Path) -> None:
    name = write(
        tmp_path, settings="store_incomplete_executions: true, sequential_processing: true"
    )
    async with at_work(tmp_path, name) as serve:
        await serve.ring("rings", word="bad", fail="DataError")
        await serve.ring("rings", word="good")
        assert "resolved first: 1" in await serve.heard.until("rests")
        [one] = await serve.store.incompletes()
        await serve.store.resolve_incompletes([one.id])
        await serve.ring("rings", word="better")
        await serve.heard.until_ran(3)
    assert seen(tmp_path) == ["bad", "good", "better"]


async def test_what_is_due_is_retried_and_only_then(tmp_path: Path) -> None:
    name = write(tmp_path, settings="store_incomplete_executions: true, retry_schedule: [1h, 1h]")
    async with at_work(tmp_path, name) as serve:
        await serve.ring("rings", word="far", fail="ConnectionError")
        await serve.heard.until_ran(1)
        [one] = await serve.store.incompletes()
        assert one.status is IncompleteStatus.PENDING
        await serve.ring("rings", word="near")
        await serve.heard.until_ran(2)
        assert seen(tmp_path) == ["far", "near"]
        await serve.store.retries.postpone(one.id, clock().now() - timedelta(seconds=1))
        await serve.ring("rings", word="next")
        await serve.heard.until_ran(3)
        again = await serve.store.incomplete(one.id)
        assert again.attempts == 1
        assert again.due_at is not None
        assert again.due_at > clock().now() + timedelta(minutes=50)
    assert seen(tmp_path) == ["far", "near", "far", "next"]
    assert [text for text in serve.heard.texts("note") if text.startswith("retried")]


async def test_confidential_events_are_stored_encrypted_and_run(tmp_path: Path) -> None:
    name = write(tmp_path, settings="data_is_confidential: true")
    async with at_work(tmp_path, name) as serve:
        await serve.store.set_active("rings", active=False)
        await serve.ring("rings", word="ding", note="canary-in-a-payload")
        await serve.heard.until("rests")
        for path in (tmp_path / ".fusion").glob("store.db*"):
            assert b"canary-in-a-payload" not in path.read_bytes()
        await serve.store.set_active("rings", active=True)
        await serve.ring("rings", word="dong", note="canary-in-a-payload")
        await serve.heard.until_ran(2)
    assert seen(tmp_path) == ["ding", "dong"]


async def test_a_scenario_without_events_is_only_retried(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(
        "flow:\n  - id: source\n    module: tools.basic_trigger\n    with: {bundles: [{a: 1}]}\n"
        '  - module: probe.record\n    with: {text: "{{ source.a }}"}\n'
    )
    async with at_work(tmp_path, "plain.yaml", write(tmp_path)) as serve:
        assert "only what is stored" in serve.heard.texts("retries_only")[0]
        await serve.ring("rings", word="ding")
        await serve.heard.until_ran(1)
    assert [scenario for scenario, _, _ in serve.heard.runs] == ["rings"]


async def test_different_scenarios_run_side_by_side_and_each_one_at_a_time(tmp_path: Path) -> None:
    for name in ("north", "south"):
        (tmp_path / f"{name}.yaml").write_text(GATED)
    async with at_work(tmp_path, "north.yaml", "south.yaml") as serve:
        gate: Any = gate_of(tmp_path)
        gate.reset()
        for scenario in ("north", "south"):
            for word in ("first", "second"):
                await serve.ring(scenario, word=word)
        await gate.until(2)
        assert sorted(gate.inside) == ["first", "first"]
        gate.open.set()
        await serve.heard.until_ran(4)
        assert gate.most == 2


async def test_a_stop_parks_what_runs_and_the_event_comes_again(tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text(GATED)
    async with at_work(tmp_path, "north.yaml") as serve:
        gate: Any = gate_of(tmp_path)
        gate.reset()
        await serve.ring("north", word="first")
        await gate.until(1)
    assert "stopping" in serve.heard.texts("stopping")[0]
    async with at_work(tmp_path, "north.yaml") as again:
        gate.open.set()
        await again.heard.until_ran(1)
        assert await again.store.events.waiting("north") == 0


async def test_a_run_by_hand_that_was_cut_off_is_left_to_the_next_by_hand(tmp_path: Path) -> None:
    plain = GATED.replace("bell.ring", "tools.basic_trigger\n    with: {bundles: [{word: a}]}")
    (tmp_path / "plain.yaml").write_text(plain)
    gate, operator = gate_of(tmp_path), Operator(store=tmp_path / ".fusion", modules=(PROBES,))
    gate.reset()
    run = asyncio.create_task(
        run_scenario(RunRequest(tmp_path / "plain.yaml", {}), operator, Listener())
    )
    await gate.until(1)
    run.cancel()
    assert (await run).execution.interrupted
    async with at_work(tmp_path, "plain.yaml", write(tmp_path)) as serve:
        await serve.ring("rings", word="ding")
        await serve.heard.until_ran(1)
        assert len(await serve.store.journal.unfinished("plain")) == 1
    assert gate.inside == []
    assert [scenario for scenario, _, _ in serve.heard.runs] == ["rings"]


async def test_an_inactive_scenario_takes_up_nothing(tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text(GATED)
    async with at_work(tmp_path, "north.yaml") as serve:
        gate = gate_of(tmp_path)
        gate.reset()
        await serve.ring("north", word="first")
        await gate.until(1)
        await serve.store.set_active("north", active=False)
    async with at_work(tmp_path, "north.yaml") as again:
        assert "inactive" in await again.heard.until("rests")
        assert gate.inside == []
        await again.store.set_active("north", active=True)
        await again.ring("north", word="second")
        gate.open.set()
        await again.heard.until_ran(2)
    assert [event for _, _, event in again.heard.runs] == ["first", "second"]


async def test_a_second_serve_of_a_store_is_refused(tmp_path: Path) -> None:
    name = write(tmp_path)
    async with at_work(tmp_path, name):
        with pytest.raises(StoreBusyError, match="serves this store already"):
            async with at_work(tmp_path, name):
                pass
    async with at_work(tmp_path, name) as serve:
        assert await serve.ring("rings", word="ding") == 200


async def test_all_mistakes_are_told_before_anything_runs(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("flow: [{module: no.such}]\n")
    with pytest.raises(ScenarioError) as caught:
        async with at_work(tmp_path, "one.yaml", "two.yaml", write(tmp_path)):
            pass
    assert len(caught.value.problems) == 2
    assert not (tmp_path / ".fusion").exists()


async def test_two_files_of_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("id: same\n" + RINGS.format(settings=""))
    with pytest.raises(ScenarioError, match="have the id `same`"):
        async with at_work(tmp_path, "one.yaml", "two.yaml"):
            pass


async def test_a_service_elsewhere_needs_a_public_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_KEY", "a-long-secret-key")
    (tmp_path / "pick-up.yaml").write_text(
        "connections: {cc: {type: cloudconvert, api_key: {env: CC_KEY}}}\n"
        "flow:\n  - module: cloudconvert.new_job_event\n    connection: cc\n"
        "    with: {webhook_name: Results}\n  - module: tools.set_variables\n"
        "    with: {variables: {a: 1}}\n"
    )
    with pytest.raises(SetupError, match=r"api\.cloudconvert\.com cannot reach this machine"):
        async with at_work(tmp_path, "pick-up.yaml"):
            pass


async def test_a_hook_of_a_scenario_that_is_not_served_stays_noted(tmp_path: Path) -> None:
    name = write(tmp_path)
    async with at_work(tmp_path, name) as serve:
        await serve.store.events.set_hook(Hook("another", "ended", "http://127.0.0.1:9/hooks/x"))
    async with at_work(tmp_path, name) as serve:
        assert "serve it once more" in serve.heard.texts("hook_left")[0]
        assert len(await serve.store.events.hooks()) == 1


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_contents_are_swept_only_while_nothing_runs(tmp_path: Path) -> None:
    async with opened(tmp_path / ".fusion", create=True) as store:
        orphan = await store.files.receive("a.txt", _stream(b"nobody names it"))
        stillness = Stillness()
        async with stillness.broken():
            await stillness.tidy(store)
            assert orphan.path.exists()
        await stillness.tidy(store)
        assert not orphan.path.exists()
