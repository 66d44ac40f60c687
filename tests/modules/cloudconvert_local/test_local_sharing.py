"""A server that other processes use: only while it runs, and only if it was offered."""

import stat
from pathlib import Path

from engine.connect.fetch import guarded_fetch
from engine.module import Connection
from modules.cloudconvert import connector, embedded
from modules.cloudconvert.local.sharing import NAME, offer, offered

FETCH = guarded_fetch()
DEAD = Connection("http://127.0.0.1:9/v2", "token-of-a-dead-server", None)


async def test_a_server_that_is_shared_is_used_instead_of_another(tmp_path: Path) -> None:
    async with embedded(tmp_path, FETCH) as owner:
        owner.share()
        async with embedded(tmp_path, FETCH) as guest:
            assert guest.connection == owner.connection
            guest.share()
            await guest.wait_idle(lambda _jobs: None)
        assert offered(tmp_path) == owner.connection
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert offered(tmp_path) is None
    assert not (tmp_path / "1").exists()


async def test_a_server_that_is_not_shared_has_a_folder_beside_it(tmp_path: Path) -> None:
    async with embedded(tmp_path, FETCH) as one, embedded(tmp_path, FETCH) as other:
        assert other.connection.base_url != one.connection.base_url
    assert (tmp_path / "1").is_dir()


async def test_what_a_dead_server_offered_is_not_believed(tmp_path: Path) -> None:
    offer(tmp_path, DEAD)
    async with embedded(tmp_path, FETCH) as owner, embedded(tmp_path, FETCH) as other:
        assert DEAD not in (owner.connection, other.connection)
    assert connector.embedded is embedded


async def test_an_offer_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", "[1, 2", '["a", "b"]'):
        (tmp_path / NAME).write_text(text)
        assert offered(tmp_path) is None
