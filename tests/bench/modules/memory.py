"""How much memory the engine's process holds. Source: Linux, proc(5), /proc/self/status."""

from collections.abc import AsyncIterator
from pathlib import Path

from engine.module import Context, Effect, Fields, Module

KIB = 1024


class Nothing(Fields):
    pass


class Memory(Fields):
    resident: int
    """Bytes in memory now."""
    peak: int
    """Most bytes ever in memory."""


class Read(Module[Nothing, Memory]):
    """Read the memory of this process."""

    id = "memory.read"
    effect = Effect.READ

    async def execute(self, fields: Nothing, ctx: Context) -> AsyncIterator[Memory]:
        lines = Path("/proc/self/status").read_text().splitlines()  # noqa: ASYNC240 - no disk
        facts = dict(line.split(":", 1) for line in lines)
        resident, peak = (int(facts[key].split()[0]) * KIB for key in ("VmRSS", "VmHWM"))
        yield Memory(resident=resident, peak=peak)
