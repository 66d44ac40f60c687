"""Files, "Get a file": one file of this machine by its path."""

import asyncio
from collections.abc import AsyncIterator

from pydantic import Field

from engine.module import Context, Effect, Fields, Module
from modules.files.disk import FoundFile, found_file, located, told


class GetFields(Fields):
    path: str = Field(min_length=1, examples=["letters/offer.docx"])
    """The file; a relative path starts at the scenario's folder."""


class GetFile(Module[GetFields, FoundFile]):
    """Read a file. It may change or go afterwards: the run keeps its content as it was."""

    id = "files.get_file"
    effect = Effect.READ

    async def execute(self, fields: GetFields, ctx: Context) -> AsyncIterator[FoundFile]:
        path = located(fields.path, ctx)
        with told("read", path):
            facts = await asyncio.to_thread(path.stat)
            file = await ctx.files.take(path)
        yield found_file(file, path, facts.st_mtime_ns)
