"""What the journal of any store must do."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest

from engine.errors import UnstorableError
from engine.model.bundle import File
from engine.model.events import Event
from engine.model.execution import (
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    Status,
)
from engine.model.journal import Entry, OperationPlace, Origin, Stage, Tally
from engine.run.ports import CursorChange, Ending, Store
from engine.store.files import FolderFiles

Processes: TypeAlias = Callable[[], Awaitable[Store]]

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLACE = OperationPlace("e1", "save", "1.2")
ORIGIN = Origin("flow: []\n", "/home/ann/videos.yaml", {"customer": "Ann", "at": AT})


def execution(execution_id: str = "e1") -> Execution:
    return Execution(execution_id, "videos", Kind.SCENARIO, Status.RUNNING, AT)


def incomplete() -> Incomplete:
    return Incomplete(
        id="i1",
        scenario_id="videos",
        execution_id="e1",
        node_id="save",
        status=IncompleteStatus.UNRESOLVED,
        created_at=AT,
        failure=Failure("DataError", "no"),
        source="flow: []\n",
        source_path="/home/ann/videos.yaml",
        bundles={"came": {"raw": b"\0"}},
        operation_key=PLACE.key,
    )


async def content(files: FolderFiles, folder: Path) -> File:
    (folder / "a.txt").write_text("moov")
    return await files.take(folder / "a.txt")


async def test_what_was_kept_comes_back_as_it_was(store: Store) -> None:
    await store.begin(execution(), ORIGIN)
    entry = Entry(
        PLACE,
        Stage.GAVE,
        outputs=({"n": 1, "at": AT, "raw": b"\xff"}, {}),
        marks={"a.mov": [1, 2]},
        variables={"count": [3, "cycle"]},
        own_variables={"i": [4, "execution"]},
    )
    await store.journal.keep(entry)
    found = await store.journal.entry(PLACE)
    assert found is not None
    assert list(found.outputs) == list(entry.outputs)
    assert (found.stage, found.marks) == (entry.stage, entry.marks)
    assert (found.variables, found.own_variables) == (entry.variables, entry.own_variables)
    assert await store.journal.entry(OperationPlace("e1", "save", "1.3")) is None


async def test_what_was_noted_is_there_with_what_is_written_after_it(
    processes: Processes,
) -> None:
    first, second = await processes(), await processes()
    await first.begin(execution(), ORIGIN)
    for number in range(3):
        first.journal.note(Entry(OperationPlace("e1", "read", f"1.{number}"), Stage.GAVE))
    await first.journal.keep(Entry(PLACE, Stage.BEGUN))
    for path in ("1.0", "1.1", "1.2"):
        assert await second.journal.entry(OperationPlace("e1", "read", path)) is not None


async def test_a_later_entry_takes_the_place_of_an_earlier_one(store: Store) -> None:
    await store.begin(execution(), ORIGIN)
    for stage in (Stage.BEGUN, Stage.FAILED, Stage.GAVE):
        await store.journal.keep(Entry(PLACE, stage))
        found = await store.journal.entry(PLACE)
        assert found is not None
        assert found.stage is stage


async def test_what_no_store_can_hold_is_refused_and_nothing_is_remembered(store: Store) -> None:
    await store.begin(execution(), ORIGIN)
    with pytest.raises(UnstorableError):
        store.journal.note(Entry(PLACE, Stage.GAVE, outputs=({"n": object()},)))
    assert await store.journal.entry(PLACE) is None


async def test_a_stored_failure_is_known_by_its_record_and_keeps_what_was_known(
    store: Store,
) -> None:
    await store.begin(execution(), ORIGIN)
    await store.journal.keep(Entry(PLACE, Stage.FAILED, failure={"type": "DataError"}))
    await store.park(incomplete(), PLACE)
    found = await store.journal.entry(PLACE)
    assert found is not None
    assert (found.stage, found.record_id) == (Stage.FAILED, "i1")
    assert found.failure == {"type": "DataError"}
    assert (await store.incomplete("i1")).operation_key == PLACE.key


async def test_the_failure_of_an_operation_without_effect_is_known_too(store: Store) -> None:
    await store.begin(execution(), ORIGIN)
    await store.park(incomplete(), PLACE)
    found = await store.journal.entry(PLACE)
    assert found is not None
    assert (found.stage, found.record_id) == (Stage.PASSED, "i1")


async def test_a_run_whose_process_is_gone_can_be_resumed_from_where_it_began(
    processes: Processes, files: FolderFiles, tmp_path: Path
) -> None:
    first, second = await processes(), await processes()
    file = await content(files, tmp_path)
    event = Event("videos", "m1", AT, {"n": 1})
    origin = Origin(
        "flow: []\n",
        "/home/ann/videos.yaml",
        {"customer": "Ann"},
        fed=file,
        event=event,
        replayed=incomplete(),
        from_trigger=True,
    )
    await first.begin(execution(), origin)
    assert await second.journal.unfinished("videos") == []
    await first.close()
    [found] = await second.journal.unfinished("videos")
    assert (found.execution.id, found.execution.interrupted) == ("e1", True)
    assert found.origin == origin
    assert await second.journal.unfinished("photos") == []
    await second.begin(execution(), found.origin)
    assert not (await second.execution("e1")).interrupted
    assert await second.journal.unfinished("videos") == []


async def test_an_interrupted_run_can_be_resumed_while_its_process_lives(store: Store) -> None:
    await store.begin(execution(), ORIGIN)
    ended = Execution(
        "e1", "videos", Kind.SCENARIO, Status.ERROR, AT, ended_at=AT, interrupted=True
    )
    await store.finish(ended, Ending(resumes=True, entries=[Entry(PLACE, Stage.GAVE)]))
    [found] = await store.journal.unfinished("videos")
    assert found.execution.id == "e1"
    assert await store.journal.entry(PLACE) is not None


async def test_the_journal_goes_with_the_end_of_its_run(store: Store) -> None:
    for one in ("e1", "e2"):
        await store.begin(execution(one), ORIGIN)
        await store.journal.keep(Entry(OperationPlace(one, "save", "1"), Stage.GAVE))
    await store.finish(execution())
    assert await store.journal.entry(OperationPlace("e1", "save", "1")) is None
    assert await store.journal.entry(OperationPlace("e2", "save", "1")) is not None


async def test_the_end_of_a_replay_and_its_record_are_one(store: Store) -> None:
    await store.park(incomplete())
    await store.begin(execution(), ORIGIN)
    resolved = replace(incomplete(), status=IncompleteStatus.RESOLVED)
    await store.finish(execution(), Ending(incomplete=resolved))
    assert (await store.incomplete("i1")).status is IncompleteStatus.RESOLVED


async def test_marks_and_the_operations_that_they_belong_to_are_stored_together(
    store: Store,
) -> None:
    await store.begin(execution(), ORIGIN)
    await store.commit_cursor("videos", [CursorChange("n", "i", 3)], [Entry(PLACE, Stage.GAVE)])
    assert await store.cursor("videos", "n") == {"i": 3}
    assert await store.journal.entry(PLACE) is not None


async def test_files_that_a_journal_names_are_not_swept(
    store: Store, files: FolderFiles, tmp_path: Path
) -> None:
    file = await content(files, tmp_path)
    await store.begin(execution(), ORIGIN)
    await store.journal.keep(Entry(PLACE, Stage.GAVE, outputs=({"file": file},)))
    await store.sweep_files()
    assert file.path.exists()
    await store.finish(execution())
    await store.sweep_files()
    assert not file.path.exists()


async def test_what_an_unfinished_run_has_done_is_counted_by_node(store: Store) -> None:
    await store.begin(execution(), ORIGIN)
    for number, stage in enumerate([Stage.GAVE, Stage.GAVE, Stage.FAILED, Stage.BEGUN]):
        await store.journal.keep(Entry(OperationPlace("e1", "save", str(number)), stage))
    await store.journal.keep(Entry(OperationPlace("e1", "came", "1"), Stage.GAVE))
    await store.park(incomplete(), OperationPlace("e1", "check", "1"))
    assert await store.journal.tally("e1") == [Tally("came", 1), Tally("save", 2, 1, 1)]
