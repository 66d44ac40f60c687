"""Programs that are asked something end with whoever asked."""

import asyncio

import pytest
from loopback import until
from processes import children_of_this_process, linux_only

from modules.cloudconvert.local.asking import all_of, ask


@linux_only
async def test_a_cancelled_question_ends_when_every_program_is_gone() -> None:
    async def questions() -> None:
        await all_of(*(ask(["sleep", "60"]) for _ in range(3)))

    asking = asyncio.create_task(questions())
    await until(lambda: len(children_of_this_process()) == 3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert children_of_this_process() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_answers_come_in_the_order_of_the_questions() -> None:
    said = await all_of(ask(["echo", "one"]), ask(["no-such-program"]), ask(["echo", "two"]))
    assert [one and one.output for one in said] == ["one\n", None, "two\n"]
