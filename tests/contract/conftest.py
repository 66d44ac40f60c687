"""The stores that must keep the contract. A new adapter joins by one more parameter."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from engine.run.ports import Store
from engine.store.files import FolderFiles
from engine.store.memory import MemoryStore, Records
from engine.store.sqlite import open_sqlite

Processes: TypeAlias = Callable[[], Awaitable[Store]]
"""Opens the same records once more, as another process would."""


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path / ".fusion" / "files")


@pytest.fixture(params=["memory", "sqlite"])
async def processes(
    request: pytest.FixtureRequest, tmp_path: Path, files: FolderFiles
) -> AsyncIterator[Processes]:
    records = Records()
    async with AsyncExitStack() as opened:

        async def another() -> Store:
            if request.param == "memory":
                return MemoryStore(files, records)
            store = await open_sqlite(tmp_path / ".fusion", create=True)
            opened.push_async_callback(store.close)
            return store

        yield another


@pytest.fixture
async def store(processes: Processes) -> Store:
    return await processes()
