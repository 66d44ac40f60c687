"""Waiting for the ends of jobs and tasks: each hears of its own, once."""

import asyncio
from pathlib import Path

import pytest
from local_server import UPLOAD, serving

from modules.cloudconvert.local.ends import Ends
from modules.cloudconvert.local.refusal import Refusal


async def waiting(ends: Ends, *names: str) -> list["asyncio.Task[None]"]:
    """Let a task wait for each of the names."""
    tasks = [asyncio.create_task(ends.wait(name), name=name) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_those_who_wait_for_it_are_told_and_no_others() -> None:
    ends = Ends()
    one, again, other = await waiting(ends, "a", "a", "b")
    ends.tell("a")
    ends.tell("nobody waits for this")
    await asyncio.gather(one, again)
    assert not other.done()
    ends.tell("b")
    await other


async def test_who_gives_up_is_forgotten() -> None:
    ends = Ends()
    one, other = await waiting(ends, "a", "a")
    one.cancel()
    await asyncio.wait([one])
    ends.tell("a")
    await other


async def test_at_the_end_of_the_server_nobody_goes_on_waiting() -> None:
    ends = Ends()
    one, other = await waiting(ends, "a", "b")
    ends.close()
    for task in (one, other):
        with pytest.raises(Refusal) as caught:
            await task
        assert caught.value.status == 503
    with pytest.raises(Refusal):
        await ends.wait("c")


async def test_who_waits_for_what_is_deleted_meanwhile_is_told_that_it_is_gone(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as local:
        job = await local.create({"in": UPLOAD})
        paths = [f"jobs/{job['id']}", f"tasks/{job['tasks'][0]['id']}"]
        asked = [asyncio.create_task(local.http.get(f"/sync/v2/{path}")) for path in paths]
        done, _ = await asyncio.wait(asked, timeout=0.2)
        assert not done
        assert (await local.http.delete(f"/v2/jobs/{job['id']}")).status_code == 204
        assert [(await one).status_code for one in asked] == [404, 404]
