"""Records of scenarios whose data is confidential, as they lie in a store."""

import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoreError
from engine.model.execution import Failure, Incomplete, IncompleteStatus
from engine.store.seal import KEY_FILE, Seal, is_sealed, key_from
from engine.store.sqlite import SqliteStore, open_sqlite

CANARY = "the-patient-is-well"

RECORD = Incomplete(
    id="i1",
    scenario_id="letters",
    execution_id="e1",
    node_id="send",
    status=IncompleteStatus.UNRESOLVED,
    created_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    failure=Failure("DataError", "withheld", {"answer": CANARY}),
    source="flow: []\n",
    source_path="/s/letters.yaml",
    bundles={"letter": {"text": CANARY}},
    inputs={"by": CANARY},
    variables={"last": CANARY},
    confidential=True,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".fusion"


@asynccontextmanager
async def opened(
    folder: Path, key_of: Callable[[], bytes] | None = None
) -> AsyncIterator[SqliteStore]:
    store = await open_sqlite(folder, create=True, key_of=key_of)
    try:
        yield store
    finally:
        await store.close()


def stored_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_confidential_record_cannot_be_read_in_the_store(folder: Path) -> None:
    async with opened(folder) as store:
        await store.park(RECORD)
        assert CANARY.encode() not in stored_bytes(folder)
        assert await store.incomplete("i1") == RECORD
        assert await store.incompletes() == [RECORD]


async def test_other_records_are_stored_as_they_are(folder: Path) -> None:
    async with opened(folder) as store:
        await store.park(replace(RECORD, confidential=False))
    assert CANARY.encode() in stored_bytes(folder)
    assert not (folder / KEY_FILE).exists()


async def test_the_key_is_made_for_its_owner_alone_and_used_by_the_next_process(
    folder: Path,
) -> None:
    async with opened(folder) as store:
        await store.park(RECORD)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    async with opened(folder) as store:
        assert await store.claim("i1") == RECORD


async def test_without_its_key_a_record_is_not_opened_and_no_new_key_is_made(folder: Path) -> None:
    async with opened(folder) as store:
        await store.park(RECORD)
    (folder / KEY_FILE).unlink()
    async with opened(folder) as store:
        with pytest.raises(StoreError, match="is gone"):
            await store.incomplete("i1")
    assert not (folder / KEY_FILE).exists()


async def test_another_key_does_not_open_it(folder: Path) -> None:
    async with opened(folder, lambda: bytes(32)) as store:
        await store.park(RECORD)
    async with opened(folder, lambda: bytes([1]) * 32) as store:
        with pytest.raises(StoreError, match="the key of this store is not the one"):
            await store.incomplete("i1")


async def test_a_key_that_others_may_read_is_refused(folder: Path) -> None:
    async with opened(folder) as store:
        await store.park(RECORD)
    os.chmod(folder / KEY_FILE, 0o644)
    async with opened(folder) as store:
        with pytest.raises(StoreError, match="may be read by others"):
            await store.incomplete("i1")


def test_a_payload_of_one_record_cannot_stand_in_for_another(tmp_path: Path) -> None:
    seal = Seal(tmp_path)
    payload = seal.closed(b"content", "i1")
    with pytest.raises(StoreError):
        seal.opened(payload, "i2")


def test_of_two_processes_that_make_a_key_at_once_one_key_holds(tmp_path: Path) -> None:
    one, other = Seal(tmp_path), Seal(tmp_path)
    assert other.opened(one.closed(b"content", "i1"), "i1") == b"content"
    assert one.opened(other.closed(b"content", "i1"), "i1") == b"content"
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("text", ["", "00", "xyz", "0" * 63, "00" * 33])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="64 hexadecimal digits"):
        key_from(text, "`encryption_key`")


@given(data=st.binary(), at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_changed_payload_is_never_taken_for_the_content(data: bytes, at: int, bit: int) -> None:
    seal = Seal(Path("nowhere"), lambda: bytes(32))
    payload = bytearray(seal.closed(data, "i1"))
    assert seal.opened(bytes(payload), "i1") == data
    payload[at % len(payload)] ^= 1 << bit
    if is_sealed(bytes(payload)):
        with pytest.raises(StoreError):
            seal.opened(bytes(payload), "i1")
