"""An ACID module for tests: it keeps entries in a database of its own, and fails on demand."""

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import timedelta

from engine.errors import DataError, InvalidConfigurationError
from engine.module import Context, Effect, Fields, Module


class EntryFields(Fields):
    entry: str
    """What to write into the ledger."""
    fail: bool = False
    """Fail with a DataError after half of the work."""
    needs: str | None = None
    """Fail like that as long as there is no file of this name beside the scenario."""
    fail_on: str | None = None
    """`initialize`, `commit` or `rollback`: fail there. `bug`: raise something else at first."""
    slow_on: str | None = None
    """`execute` or `commit`: take a minute, with half of the work done."""


class Add(Module[EntryFields, EntryFields]):
    """Add an entry to the ledger of this node, `NODE.db` beside the scenario.

    Its cursor has a mark for each entry. What it is told goes to `phases.txt`: a line `NODE:commit`
    or `NODE:rollback` each. The marks that it sees in a rollback go to `NODE.marks`.
    """

    id = "ledger.add"
    effect = Effect.WRITE
    acid = True

    def __init__(self) -> None:
        self._ledger: sqlite3.Connection | None = None
        self._fail_on: str | None = None
        self._slow_on: str | None = None

    async def initialize(self, constants: Mapping[str, object], ctx: Context) -> None:
        if constants.get("fail_on") == "initialize":
            raise InvalidConfigurationError("the ledger is locked", field="fail_on")
        if constants.get("fail_on") == "bug":
            raise KeyError("surprise")

    async def execute(self, fields: EntryFields, ctx: Context) -> AsyncIterator[EntryFields]:
        self._fail_on, self._slow_on = fields.fail_on, fields.slow_on
        if self._ledger is None:
            self._ledger = sqlite3.connect(ctx.folder / f"{ctx.node_id}.db", isolation_level=None)
            self._ledger.execute("CREATE TABLE IF NOT EXISTS entries (entry)")
            self._ledger.execute("BEGIN")
        self._ledger.execute("SAVEPOINT operation")
        self._ledger.execute("INSERT INTO entries VALUES (?)", (fields.entry,))
        ctx.cursor.set(fields.entry, "entered")
        if fields.slow_on == "execute":
            await ctx.sleep(timedelta(minutes=1))
        if fields.fail or (fields.needs and not (ctx.folder / fields.needs).exists()):
            self._ledger.execute("ROLLBACK TO operation")
            raise DataError(f"cannot enter {fields.entry}")
        yield fields

    async def commit(self, ctx: Context) -> None:
        if self._slow_on == "commit":
            await ctx.sleep(timedelta(minutes=1))
        self._end("COMMIT", ctx)

    async def rollback(self, ctx: Context) -> None:
        (ctx.folder / f"{ctx.node_id}.marks").write_text(" ".join(ctx.cursor.keys()))
        self._end("ROLLBACK", ctx)

    def _end(self, statement: str, ctx: Context) -> None:
        phase = statement.lower()
        with (ctx.folder / "phases.txt").open("a") as phases:
            phases.write(f"{ctx.node_id}:{phase}\n")
        ledger, self._ledger = self._ledger, None
        if ledger is None:
            return
        with closing(ledger):
            if self._fail_on == phase:
                raise OSError(f"no answer to {statement}")
            ledger.execute(statement)
