"""What any store must do. The stores are in `conftest.py`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from engine.errors import NotFoundError, ScenarioTakenError, StoreBusyError, StoreError
from engine.model.bundle import File
from engine.model.execution import (
    Attempt,
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    NodeCount,
    Registered,
    Status,
    Streak,
)
from engine.model.history import BUNDLE_LIMIT, History, KeptOperation, Seen, Stretch
from engine.model.retention import Retention
from engine.model.selection import Changed, Selection, Summary
from engine.run.ports import CursorChange, Ending, Store
from engine.store import history as stored_history
from engine.store.files import FolderFiles

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)

Processes: TypeAlias = Callable[[], Awaitable[Store]]
"""Opens the same records once more, as another process would."""


def execution(execution_id: str = "e1", **changes: Any) -> Execution:
    begun = Execution(execution_id, "videos", Kind.SCENARIO, Status.RUNNING, AT)
    return replace(begun, **changes)


def incomplete(incomplete_id: str = "i1", **changes: Any) -> Incomplete:
    parked = Incomplete(
        id=incomplete_id,
        scenario_id="videos",
        execution_id="e1",
        node_id="convert",
        status=IncompleteStatus.UNRESOLVED,
        created_at=AT,
        failure=Failure("DataError", "moov atom not found", {"code": 17}, "videos.yaml:12:5"),
        source="flow: []\n",
        source_path="/home/ann/videos.yaml",
        bundles={"video": {"name": "a.mov", "taken_at": AT, "head": b"\0\xff"}},
        inputs={"customer": "Ann"},
        variables={"count": 3},
        attempts=1,
        allowed=3,
        interval_seconds=900,
        due_at=AT + timedelta(minutes=15),
    )
    return replace(parked, **changes)


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def content(files: FolderFiles, text: bytes) -> File:
    return await files.receive("clip.mov", _stream(text))


def unheard(line: str) -> None:
    raise AssertionError(line)


# Executions


async def test_a_begun_execution_runs(store: Store) -> None:
    await store.begin(execution())
    assert await store.execution("e1") == execution()


async def test_a_finished_execution_keeps_counts_and_failure(store: Store) -> None:
    await store.begin(execution())
    ended = execution(
        status=Status.ERROR,
        ended_at=AT + timedelta(seconds=90),
        operations=4,
        bundles=3,
        nodes={"video": NodeCount(1, 3, 0, 0.25), "convert": NodeCount(3, 2, 1, 88.5)},
        failure=Failure("ConnectionError", "refused", {}, "videos.yaml:9:3"),
    )
    await store.finish(ended)
    assert await store.execution("e1") == ended


async def test_an_execution_that_was_never_begun_cannot_finish(store: Store) -> None:
    with pytest.raises(NotFoundError, match="e1"):
        await store.finish(execution(), Ending([CursorChange("video", "a", 1)]))
    assert await store.cursor("videos", "video") == {}


async def test_executions_come_latest_first_and_by_scenario(store: Store) -> None:
    for number, scenario in enumerate(["videos", "photos", "videos"]):
        await store.begin(execution(f"e{number}", scenario_id=scenario))
    assert [one.id for one in await store.executions()] == ["e2", "e1", "e0"]
    assert [one.id for one in await store.executions(limit=1)] == ["e2"]
    assert [one.id for one in await store.executions(scenario_id="videos")] == ["e2", "e0"]


async def test_the_execution_of_a_process_that_is_gone_shows_as_interrupted(
    processes: Processes,
) -> None:
    first, second = await processes(), await processes()
    await first.begin(execution())
    assert not (await second.execution("e1")).interrupted
    await first.close()
    assert await second.execution("e1") == execution(interrupted=True)


async def test_a_finished_execution_is_not_interrupted_when_its_process_is_gone(
    processes: Processes,
) -> None:
    first, second = await processes(), await processes()
    await first.begin(execution())
    await first.finish(execution(status=Status.SUCCESS, ended_at=AT))
    await first.close()
    assert not (await second.execution("e1")).interrupted


# Histories


def history(*operations: KeptOperation, **changes: Any) -> History:
    kept = History(
        "flow: []\n", "/home/ann/videos.yaml", {"convert": operations}, {"customer": "Ann"}
    )
    return replace(kept, **changes)


async def remembered(store: Store, execution_id: str = "e1", kept: History | None = None) -> None:
    begun = execution(execution_id)
    await store.begin(begun)
    await store.finish(replace(begun, status=Status.SUCCESS, ended_at=AT), Ending(history=kept))


async def test_a_history_comes_back_as_it_was(store: Store, files: FolderFiles) -> None:
    file = await content(files, b"moov")
    order = {"at": AT, "raw": b"\0\xff", "file": file, "many": [1.5, None, {"a": "b"}]}
    kept = history(
        KeptOperation(1, Seen({"order": order}), ({"id": 1}, {"id": 2}), 70),
        KeptOperation(
            2, Seen({"order": order}), failure=Failure("DataError", "no", {"file": file})
        ),
        KeptOperation(3, Seen({"order": None, "line": {"id": 3}}), (None,), 1),
        stretches={"convert": (Stretch(0.0, 1.25), Stretch(1.5, 2.0, 7))},
    )
    await remembered(store, kept=kept)
    found = await store.history("e1")
    assert found is not None
    assert found == kept
    assert [one.bundles.too_large for one in found.operations["convert"]] == [[], [], ["order"]]


async def test_an_execution_without_a_history_has_none(store: Store) -> None:
    await remembered(store)
    assert await store.history("e1") is None
    assert await store.history("e2") is None


async def test_files_of_a_history_are_not_kept_but_their_facts_are(
    store: Store, files: FolderFiles
) -> None:
    file = await content(files, b"moov")
    await remembered(store, kept=history(KeptOperation(1, Seen({"order": {"file": file}}))))
    await store.sweep_files()
    found = await store.history("e1")
    assert found is not None
    left: File = found.operations["convert"][0].bundles["order"]["file"]
    assert (left.name, left.size, left.path.exists()) == ("clip.mov", 4, False)


async def test_a_bundle_that_is_too_large_for_a_history_is_named_and_left_out(
    store: Store,
) -> None:
    large, escaped = {"text": "x" * BUNDLE_LIMIT}, {"text": "\n" * (BUNDLE_LIMIT // 2 + 1)}
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"in": deep}
    kept = history(
        KeptOperation(1, Seen({"order": {"id": 1}, "large": large}), (deep,), 1),
        KeptOperation(2, Seen({"order": {"id": 2}, "escaped": escaped}), ({"id": 2},), 1),
    )
    await remembered(store, kept=kept)
    found = await store.history("e1")
    assert found is not None
    first, second = found.operations["convert"]
    assert first == KeptOperation(1, Seen({"order": {"id": 1}}), (None,), 1)
    assert second == KeptOperation(2, Seen({"order": {"id": 2}}), ({"id": 2},), 1)
    assert (first.bundles.too_large, second.bundles.too_large) == (["large"], ["escaped"])


async def test_the_budget_of_a_history_goes_to_failures_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_history, "BUDGET", 20)
    shared = {"id": "same"}
    kept = history(
        KeptOperation(1, Seen({"order": {"id": "one"}})),
        KeptOperation(2, Seen({"order": shared}), failure=Failure("DataError", "no")),
        KeptOperation(3, Seen({"order": shared})),
    )
    await remembered(store, kept=kept)
    found = await store.history("e1")
    assert found is not None
    assert [one.bundles.too_large for one in found.operations["convert"]] == [["order"], [], []]


async def test_the_latest_histories_of_each_scenario_are_kept(store: Store) -> None:
    kept = history(KeptOperation(1, Seen({"order": {}})))
    other = execution("other", scenario_id="photos")
    await store.begin(other)
    await store.finish(replace(other, status=Status.SUCCESS), Ending(history=kept))
    for number in range(4):
        await remembered(store, f"e{number}", kept)
        await remembered(store, f"empty{number}")
    forgotten = await store.tidy(Retention(histories=2), AT)
    assert (forgotten.executions, forgotten.histories) == (0, 2)
    left = [f"e{number}" for number in range(4) if await store.history(f"e{number}")]
    assert left == ["e2", "e3"]
    assert await store.history("other") is not None


async def test_a_history_is_not_kept_if_the_execution_cannot_finish(store: Store) -> None:
    kept = history(KeptOperation(1, Seen({"order": {}})))
    with pytest.raises(NotFoundError, match="e1"):
        await store.finish(execution(), Ending(history=kept))
    assert await store.history("e1") is None


# Ids


@pytest.mark.parametrize("given", ["abcd1234", "abcd1"])
async def test_a_unique_beginning_of_an_id_selects(store: Store, given: str) -> None:
    await store.begin(execution("abcd1234"))
    await store.begin(execution("abcd9999"))
    await store.park(incomplete("abcd1234"))
    assert (await store.execution(given)).id == "abcd1234"
    assert (await store.incomplete(given)).id == "abcd1234"
    assert (await store.claim(given)).id == "abcd1234"


@pytest.mark.parametrize("given", ["abcd", "abc", "", "abcd12345", "%", "abc_"])
async def test_an_ambiguous_short_or_unknown_id_is_refused(store: Store, given: str) -> None:
    for record in ("abcd1234", "abcd9999"):
        await store.begin(execution(record))
        await store.park(incomplete(record))
    with pytest.raises(NotFoundError):
        await store.execution(given)
    with pytest.raises(NotFoundError):
        await store.incomplete(given)
    with pytest.raises(NotFoundError):
        await store.claim(given)


async def test_an_id_that_begins_another_one_selects_its_own(store: Store) -> None:
    await store.park(incomplete("abcd"))
    await store.park(incomplete("abcd1234"))
    assert (await store.incomplete("abcd")).id == "abcd"


async def test_several_matches_are_named(store: Store) -> None:
    await store.park(incomplete("abcd1234"))
    await store.park(incomplete("abcd9999"))
    with pytest.raises(NotFoundError) as refusal:
        await store.incomplete("abcd")
    assert refusal.value.notes == ("abcd1234", "abcd9999")


# Cursors


async def test_marks_come_back_as_they_were_set(store: Store) -> None:
    await store.begin(execution())
    changes = [CursorChange("video", "a.mov", [120, 1]), CursorChange("video", "b.mov", AT)]
    await store.finish(execution(status=Status.SUCCESS), Ending(changes))
    assert await store.cursor("videos", "video") == {"a.mov": [120, 1], "b.mov": AT}


async def test_marks_are_changed_and_removed_one_by_one(store: Store) -> None:
    await store.commit_cursor("videos", [CursorChange("video", key, 1) for key in "abc"])
    await store.commit_cursor(
        "videos", [CursorChange("video", "a", 2), CursorChange("video", "b", None)]
    )
    assert await store.cursor("videos", "video") == {"a": 2, "c": 1}


async def test_a_removed_mark_may_never_have_been(store: Store) -> None:
    await store.commit_cursor("videos", [CursorChange("video", "a", None)])
    assert await store.cursor("videos", "video") == {}


async def test_marks_belong_to_one_scenario_and_node(store: Store) -> None:
    await store.commit_cursor("videos", [CursorChange("video", "a", 1)])
    assert await store.cursor("videos", "other") == {}
    assert await store.cursor("photos", "video") == {}


async def test_reset_forgets_the_marks_of_one_node_and_counts_them(store: Store) -> None:
    await store.commit_cursor("videos", [CursorChange("v", key, 1) for key in ("a", "b")])
    await store.commit_cursor("videos", [CursorChange("w", "a", 1)])
    await store.commit_cursor("photos", [CursorChange("v", "a", 1)])
    assert await store.reset_cursor("videos", "v") == 2
    assert await store.cursor("videos", "v") == {}
    assert await store.cursor("videos", "w") == await store.cursor("photos", "v") == {"a": 1}
    assert await store.reset_cursor("videos", "v") == 0


# Incomplete executions


async def test_a_parked_incomplete_comes_back_whole(store: Store) -> None:
    await store.park(incomplete())
    assert await store.incomplete("i1") == incomplete()


async def test_parking_the_same_id_again_replaces_it(store: Store) -> None:
    await store.park(incomplete())
    await store.park(incomplete("i2"))
    changed = incomplete(attempts=2, node_id="save", status=IncompleteStatus.PENDING)
    await store.park(changed)
    assert await store.incompletes() == [changed, incomplete("i2")]


async def test_incompletes_are_selected_and_come_oldest_first(store: Store) -> None:
    await store.park(incomplete("late", created_at=AT + timedelta(hours=1)))
    await store.park(incomplete("b", scenario_id="photos"))
    await store.park(incomplete("a", execution_id="e2", status=IncompleteStatus.PENDING))
    await store.park(incomplete("done", status=IncompleteStatus.RESOLVED))

    async def ids(**selection: Any) -> list[str]:
        return [one.id for one in await store.incompletes(**selection)]

    assert await ids() == ["b", "a", "late"]
    assert await ids(scenario_id="videos") == ["a", "late"]
    assert await ids(execution_id="e2") == ["a"]
    assert await ids(statuses=[IncompleteStatus.PENDING]) == ["a"]
    assert await ids(statuses=[IncompleteStatus.RESOLVED]) == ["done"]
    assert await ids(statuses=list(IncompleteStatus)) == ["b", "a", "done", "late"]


async def test_all_that_a_replay_may_need_comes_back(store: Store, files: FolderFiles) -> None:
    past = Attempt(AT, "e0", "save", Failure("ConnectionError", "refused", {"at": AT}))
    whole = incomplete(
        fields={"file": await content(files, b"moov"), "width": 320},
        cursor={"inbox/a.mov": [12, AT]},
        earlier=(past, replace(past, node_id="convert")),
        failed_at=AT,
        confidential=True,
    )
    await store.park(whole)
    assert await store.incomplete("i1") == whole


# Lists


def at(minutes: int) -> datetime:
    return AT + timedelta(minutes=minutes)


async def ids_of(store: Store, limit: int = 100, **selection: Any) -> list[str]:
    page = await store.page_of(Selection(**selection), limit=limit)
    assert await store.count_of(Selection(**selection)) == len(page.summaries) + page.more
    return [one.id for one in page.summaries]


async def test_a_summary_tells_what_a_list_shows(store: Store) -> None:
    await store.park(incomplete("i0"))
    await store.park(incomplete(status=IncompleteStatus.PENDING))
    _, one = (await store.page_of(Selection(), limit=2)).summaries
    facts = (one.id, one.scenario_id, one.execution_id, one.node_id, one.created_at, one.due_at)
    assert facts == ("i1", "videos", "e1", "convert", AT, at(15))
    assert (one.status, one.attempts, one.allowed) == (IncompleteStatus.PENDING, 1, 3)
    assert (one.error_type, one.message, one.hint) == ("DataError", "moov atom not found", "a.mov")


async def test_a_selection_narrows_by_each_of_its_parts(store: Store) -> None:
    await store.park(incomplete("a"))
    await store.park(incomplete("b", scenario_id="photos", created_at=at(1)))
    await store.park(incomplete("c", node_id="save", created_at=at(2)))
    refused = Failure("ConnectionError", "refused")
    await store.park(incomplete("d", failure=refused, created_at=at(3)))
    await store.park(incomplete("e", bundles={"v": {"x": ["100 %", {"y": "ÄRGER"}]}}))
    assert await ids_of(store) == ["a", "e", "b", "c", "d"]
    assert await ids_of(store, scenario_id="photos") == ["b"]
    assert await ids_of(store, node_id="save") == ["c"]
    assert await ids_of(store, error_type="ConnectionError") == ["d"]
    assert await ids_of(store, created_before=at(1)) == ["a", "e"]
    assert await ids_of(store, created_since=at(1), created_before=at(3)) == ["b", "c"]
    assert await ids_of(store, text="0 %") == await ids_of(store, text="ärger") == ["e"]
    assert await ids_of(store, text="%") == ["e"]
    assert await ids_of(store, text="_") == await ids_of(store, scenario_id="none") == []
    assert await ids_of(store, scenario_id="videos", error_type="DataError") == ["a", "e", "c"]
    assert await ids_of(store, scenario_id="videos", text="a.mov", created_since=at(1)) == [
        "c",
        "d",
    ]


async def test_a_selection_by_status_sees_what_people_see(processes: Processes) -> None:
    store, other = await processes(), await processes()
    for name in ("a", "b", "c"):
        await store.park(incomplete(name, status=IncompleteStatus.PENDING))
    await store.park(incomplete("d"))
    await store.park(incomplete("e", status=IncompleteStatus.RESOLVED))
    await other.claim("b")
    assert await ids_of(store, statuses=(IncompleteStatus.PENDING,)) == ["a", "c"]
    assert await ids_of(store, statuses=(IncompleteStatus.IN_PROGRESS,)) == ["b"]
    assert await ids_of(store, statuses=(IncompleteStatus.UNRESOLVED,)) == ["d"]
    assert await ids_of(store, statuses=(IncompleteStatus.RESOLVED,)) == ["e"]
    assert await ids_of(store, statuses=tuple(IncompleteStatus)) == ["a", "b", "c", "d", "e"]
    both = (IncompleteStatus.UNRESOLVED, IncompleteStatus.IN_PROGRESS)
    assert await ids_of(store, statuses=both) == ["b", "d"]
    assert await ids_of(store, statuses=both, text="a.mov") == ["b", "d"]
    await other.close()
    assert await ids_of(store, statuses=(IncompleteStatus.PENDING,)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(scenario_id="videos"),
        Selection(scenario_id="videos", text="a.mov"),
        Selection(scenario_id="videos", statuses=tuple(IncompleteStatus)),
    ],
)
async def test_pages_follow_each_other_without_a_gap(store: Store, selection: Selection) -> None:
    for number in range(25):
        failure = Failure("DataError", f"no item `{chr(97 + number % 20)}`")
        await store.park(incomplete(f"i{number:02}", created_at=at(number // 3), failure=failure))
        await store.park(incomplete(f"x{number:02}", created_at=at(number), scenario_id="other"))
    found: list[str] = []
    behind: Summary | None = None
    while True:
        page = await store.page_of(selection, behind=behind, limit=10)
        found += [one.id for one in page.summaries]
        behind = page.summaries[-1]
        if not page.more:
            break
    assert found == [f"i{number:02}" for number in range(25)]


async def test_what_is_in_progress_elsewhere_leaves_no_gap_in_a_page(processes: Processes) -> None:
    store, other = await processes(), await processes()
    for number in range(9):
        await store.park(incomplete(f"i{number}"))
        if number not in (3, 8):
            await other.claim(f"i{number}")
    page = await store.page_of(Selection(statuses=(IncompleteStatus.UNRESOLVED,)), limit=2)
    assert ([one.id for one in page.summaries], page.more) == (["i3", "i8"], False)


async def test_what_failed_alike_has_one_cause(store: Store) -> None:
    for number in range(3):
        failure = Failure("DataError", f'row {number} of "a{number}.csv" has no `name`')
        await store.park(incomplete(f"a{number}", failure=failure, created_at=at(number)))
    await store.park(incomplete("b", failure=Failure("DataError", "row 1 has no `id`")))
    await store.park(incomplete("c", status=IncompleteStatus.RESOLVED))
    first, second = await store.causes_of(Selection())
    assert (first.scenario_id, first.node_id, first.error_type) == (
        "videos",
        "convert",
        "DataError",
    )
    assert first.message == "row … of … has no `name`"
    assert (first.count, first.oldest_id, first.oldest_at, first.newest_at) == (3, "a0", AT, at(2))
    assert (second.count, second.message) == (1, "row … has no `id`")
    assert await ids_of(store, cause=first.id) == ["a0", "a1", "a2"]
    (narrowed,) = await store.causes_of(Selection(created_since=at(1), text="a.mov"))
    assert (narrowed.id, narrowed.count, narrowed.oldest_id) == (first.id, 2, "a1")
    assert await store.causes_of(Selection(node_id="other")) == []


async def test_a_record_that_fails_otherwise_moves_to_another_cause(store: Store) -> None:
    await store.park(incomplete())
    await store.park(incomplete(failure=Failure("ConnectionError", "refused")))
    (cause,) = await store.causes_of(Selection())
    assert (cause.error_type, cause.count) == ("ConnectionError", 1)


async def test_nothing_of_confidential_data_is_in_a_list(store: Store) -> None:
    await store.park(incomplete(confidential=True))
    (one,) = (await store.page_of(Selection(), limit=1)).summaries
    assert one.hint == ""
    assert await ids_of(store, text="a.mov") == []


async def test_texts_that_a_database_may_refuse_are_listed_all_the_same(store: Store) -> None:
    odd = {"video": {"a": "\ud800\0", "b": "x" * 100_000}}
    await store.park(incomplete(bundles=odd, failure=Failure("DataError", "\ud800\0" * 1000)))
    (one,) = (await store.page_of(Selection(), limit=1)).summaries
    assert one.message
    assert (await store.incomplete("i1")).bundles == odd


# Bulk changes


async def test_deleting_passes_over_what_is_in_progress_or_gone(processes: Processes) -> None:
    store, other = await processes(), await processes()
    for name in ("a", "b", "c"):
        await store.park(incomplete(name))
    await other.claim("b")
    assert await store.delete_incompletes(["a", "b", "gone"]) == Changed(("a",), ("b",))
    assert await ids_of(store) == ["b", "c"]
    with pytest.raises(NotFoundError):
        await store.incomplete("a")


async def test_a_deleted_record_no_longer_keeps_its_files(store: Store, files: FolderFiles) -> None:
    clip = await content(files, b"moov")
    await store.park(incomplete(bundles={"video": {"file": clip}}))
    await store.delete_incompletes(["i1"])
    assert await store.sweep_files() == 4


async def test_resolving_marks_as_done_and_is_done_once(processes: Processes) -> None:
    store, other = await processes(), await processes()
    for name in ("a", "b"):
        await store.park(incomplete(name, status=IncompleteStatus.PENDING))
    await other.claim("b")
    assert await store.resolve_incompletes(["a", "b", "gone"]) == Changed(("a",), ("b",))
    assert await store.resolve_incompletes(["a"]) == Changed((), ())
    done = await store.incomplete("a")
    assert (done.status, done.due_at) == (IncompleteStatus.RESOLVED, None)
    with pytest.raises(StoreError, match="resolved"):
        await store.claim("a")


async def test_files_come_back_with_a_path_that_can_be_read(
    store: Store, files: FolderFiles
) -> None:
    clip = await content(files, b"moov")
    await store.park(incomplete(bundles={"video": {"file": clip}}))
    found = (await store.incomplete("i1")).bundles["video"]["file"]
    assert found == clip
    assert found.path.read_bytes() == b"moov"


async def test_a_file_whose_content_is_missing_cannot_be_parked(store: Store) -> None:
    stray = File("stray.mov", 4, "video/quicktime", "0" * 64, Path("stray.mov"))
    with pytest.raises(StoreError, match=r"stray\.mov"):
        await store.park(incomplete(bundles={"video": {"files": [stray]}}))
    assert await store.incompletes() == []


async def test_a_value_that_no_bundle_holds_cannot_be_parked(store: Store) -> None:
    with pytest.raises(StoreError, match="object"):
        await store.park(incomplete(bundles={"video": {"x": object()}}))
    assert await store.incompletes() == []


# Claims


async def test_a_claim_shows_as_in_progress_and_returns_what_was(store: Store) -> None:
    await store.park(incomplete(status=IncompleteStatus.PENDING))
    assert (await store.claim("i1")).status is IncompleteStatus.PENDING
    assert (await store.incomplete("i1")).status is IncompleteStatus.IN_PROGRESS
    shown = await store.incompletes(statuses=[IncompleteStatus.IN_PROGRESS])
    assert [one.id for one in shown] == ["i1"]
    assert await store.incompletes(statuses=[IncompleteStatus.PENDING]) == []


async def test_a_claimed_incomplete_cannot_be_claimed_again(processes: Processes) -> None:
    first, second = await processes(), await processes()
    await first.park(incomplete())
    await first.claim("i1")
    for store in (first, second):
        with pytest.raises(StoreBusyError):
            await store.claim("i1")


async def test_a_resolved_incomplete_cannot_be_claimed(store: Store) -> None:
    await store.park(incomplete(status=IncompleteStatus.RESOLVED))
    with pytest.raises(StoreError, match="resolved"):
        await store.claim("i1")


async def test_parking_ends_the_claim(processes: Processes) -> None:
    first, second = await processes(), await processes()
    await first.park(incomplete())
    claimed = await first.claim("i1")
    await first.park(replace(claimed, attempts=2))
    assert (await second.claim("i1")).attempts == 2


async def test_parking_as_in_progress_keeps_the_claim(processes: Processes) -> None:
    first, second = await processes(), await processes()
    await first.park(incomplete(status=IncompleteStatus.PENDING))
    claimed = await first.claim("i1")
    await first.park(replace(claimed, node_id="save", status=IncompleteStatus.IN_PROGRESS))
    with pytest.raises(StoreBusyError):
        await second.claim("i1")
    await first.close()
    assert await second.incomplete("i1") == replace(claimed, node_id="save")


async def test_nobody_parks_over_the_claim_of_another_process(processes: Processes) -> None:
    first, second = await processes(), await processes()
    await first.park(incomplete())
    await first.claim("i1")
    with pytest.raises(StoreBusyError):
        await second.park(incomplete(attempts=9))
    await first.park(incomplete(status=IncompleteStatus.RESOLVED))
    assert (await second.incomplete("i1")).status is IncompleteStatus.RESOLVED


async def test_the_claim_of_a_process_that_is_gone_does_not_hold(processes: Processes) -> None:
    first, second = await processes(), await processes()
    await first.park(incomplete(status=IncompleteStatus.PENDING))
    await first.claim("i1")
    await first.close()
    assert (await second.incomplete("i1")).status is IncompleteStatus.PENDING
    assert (await second.claim("i1")).status is IncompleteStatus.PENDING


# Scenarios and their runs


async def test_an_id_belongs_to_the_first_file_that_has_it(store: Store, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "videos.yaml", tmp_path / "copy" / "videos.yaml"
    theirs.parent.mkdir()
    for path in (ours, theirs):
        path.touch()
    await store.register_scenario("videos", ours)
    await store.register_scenario("videos", ours)
    with pytest.raises(ScenarioTakenError) as refusal:
        await store.register_scenario("videos", theirs)
    assert any(str(ours) in note for note in refusal.value.notes)
    assert any(str(theirs) in note for note in refusal.value.notes)


async def test_a_scenario_file_that_moved_keeps_its_id(store: Store, tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.touch()
    await store.register_scenario("videos", old)
    old.rename(new)
    await store.register_scenario("videos", new)
    old.touch()
    with pytest.raises(ScenarioTakenError):
        await store.register_scenario("videos", old)


async def test_a_second_run_of_a_scenario_is_refused_by_name(processes: Processes) -> None:
    first, second = await processes(), await processes()
    async with first.run_lock("videos", wait=False, on_wait=unheard):
        with pytest.raises(StoreBusyError, match=r"videos.*process"):
            async with second.run_lock("videos", wait=False, on_wait=unheard):
                pass
        async with second.run_lock("photos", wait=False, on_wait=unheard):
            pass
    async with second.run_lock("videos", wait=False, on_wait=unheard):
        pass


async def test_a_second_run_waits_with_one_line_until_the_first_ends(processes: Processes) -> None:
    first, second = await processes(), await processes()
    lines: list[str] = []
    order: list[str] = []
    waiting = asyncio.Event()

    def heard(line: str) -> None:
        lines.append(line)
        waiting.set()

    async def run_second() -> None:
        async with second.run_lock("videos", wait=True, on_wait=heard):
            order.append("second")

    async with first.run_lock("videos", wait=False, on_wait=unheard):
        task = asyncio.create_task(run_second())
        await waiting.wait()
        order.append("first")
    await task
    assert order == ["first", "second"]
    assert len(lines) == 1
    assert "videos" in lines[0]


async def test_a_run_that_failed_frees_its_scenario(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.run_lock("a/b\ud800", wait=False, on_wait=unheard):
            raise RuntimeError
    async with store.run_lock("a/b\ud800", wait=False, on_wait=unheard):
        pass


# Errors in a row


async def ended(store: Store, number: int, streak: Streak, scenario_id: str = "videos") -> None:
    begun = execution(f"e{number}", scenario_id=scenario_id)
    await store.begin(begun)
    await store.finish(replace(begun, status=Status.ERROR, ended_at=AT), Ending(streak=streak))


async def test_a_new_scenario_is_active_and_has_no_past(store: Store, tmp_path: Path) -> None:
    await store.register_scenario("videos", tmp_path / "videos.yaml")
    assert await store.scenario("videos") == Registered("videos", tmp_path / "videos.yaml")


async def test_scenarios_tell_their_last_run_and_what_is_unresolved(
    store: Store, tmp_path: Path
) -> None:
    for scenario_id in ("videos", "photos"):
        await store.register_scenario(scenario_id, tmp_path / scenario_id)
    await store.begin(execution())
    await store.begin(execution("e2", started_at=AT + timedelta(hours=1)))
    await store.park(incomplete("i1"))
    await store.park(incomplete("i2", status=IncompleteStatus.PENDING))
    await store.park(incomplete("i3", status=IncompleteStatus.RESOLVED))
    await store.claim("i1")

    photos, videos = await store.scenarios()

    assert (photos.id, photos.last_run_at, photos.incomplete) == ("photos", None, 0)
    assert (videos.last_run_at, videos.incomplete) == (AT + timedelta(hours=1), 2)


async def test_so_many_errors_in_a_row_deactivate_a_scenario(store: Store, tmp_path: Path) -> None:
    for scenario_id in ("videos", "photos"):
        await store.register_scenario(scenario_id, tmp_path / scenario_id)
    seen = []
    for number in range(3):
        await ended(store, number, Streak(errors=1, limit=3))
        known = await store.scenario("videos")
        seen.append((known.errors_in_row, known.active))
    assert seen == [(1, True), (2, True), (3, False)]
    assert (await store.scenario("photos")).active


async def test_an_end_without_an_error_begins_the_row_anew(store: Store, tmp_path: Path) -> None:
    await store.register_scenario("videos", tmp_path)
    one, over, unchanged = Streak(errors=1, limit=3), Streak(over=True), Streak()
    for number, streak in enumerate((one, one, over, one, unchanged, one)):
        await ended(store, number, streak)
    known = await store.scenario("videos")
    assert (known.errors_in_row, known.active) == (2, True)


async def test_a_good_end_does_not_activate_a_scenario(store: Store, tmp_path: Path) -> None:
    await store.register_scenario("videos", tmp_path)
    await store.set_active("videos", active=False)
    await ended(store, 1, Streak(over=True))
    assert not (await store.scenario("videos")).active


async def test_activating_forgets_the_errors(store: Store, tmp_path: Path) -> None:
    await store.register_scenario("videos", tmp_path)
    await ended(store, 1, Streak(errors=1, limit=1))
    await store.set_active("videos", active=True)
    known = await store.scenario("videos")
    assert (known.errors_in_row, known.active) == (0, True)


async def test_registering_again_keeps_what_is_known(store: Store, tmp_path: Path) -> None:
    await store.register_scenario("videos", tmp_path)
    await store.set_active("videos", active=False)
    await store.register_scenario("videos", tmp_path)
    assert not (await store.scenario("videos")).active


async def test_an_unknown_scenario_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="videos"):
        await store.scenario("videos")
    with pytest.raises(NotFoundError, match="videos"):
        await store.set_active("videos", active=True)


# Files


async def test_sweeping_keeps_what_an_unresolved_incomplete_names(
    store: Store, files: FolderFiles
) -> None:
    kept, done, loose = [await content(files, text) for text in (b"kept", b"done!", b"loose!")]
    await store.park(incomplete("i1", variables={"clips": [{"clip": kept}]}, bundles={}))
    await store.park(
        incomplete("i2", bundles={"video": {"file": done}}, status=IncompleteStatus.RESOLVED)
    )
    assert await store.sweep_files() == len(b"done!loose!")
    assert kept.path.exists()
    assert not done.path.exists()
    assert not loose.path.exists()


async def test_a_replaced_incomplete_no_longer_keeps_its_old_files(
    store: Store, files: FolderFiles
) -> None:
    old, new = await content(files, b"old"), await content(files, b"newer")
    await store.park(incomplete(bundles={"video": {"file": old}}))
    await store.park(incomplete(bundles={"video": {"file": new}}))
    await store.sweep_files()
    assert (old.path.exists(), new.path.exists()) == (False, True)


async def test_nothing_is_swept_while_another_process_uses_the_store(
    processes: Processes, files: FolderFiles
) -> None:
    first, second = await processes(), await processes()
    loose = await content(files, b"loose")
    assert await first.sweep_files() == 0
    assert loose.path.exists()
    await second.close()
    assert await first.sweep_files() == len(b"loose")


async def test_closing_twice_gives_back_no_more_than_ones_own_use(
    processes: Processes, files: FolderFiles
) -> None:
    first, second, third = await processes(), await processes(), await processes()
    await content(files, b"loose")
    await first.close()
    await first.close()
    assert await second.sweep_files() == 0
    await third.close()
    assert await second.sweep_files() == len(b"loose")
