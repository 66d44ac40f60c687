"""Whether a scenario's turn has come, and what its run did to later turns.

A run stands inside `in_turn`, which is entered under the scenario's run lock.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from engine.errors import UnresolvedError
from engine.model.execution import Incomplete
from engine.plan.plan import Plan
from engine.run.ports import Store, Watcher

LISTED: Final = 10
"""How many unresolved incomplete executions a refusal names."""


@asynccontextmanager
async def in_turn(store: Store, plan: Plan, watcher: Watcher) -> AsyncIterator[None]:
    """Let a run by hand in, and say what is special about it or has become so.

    Raises UnresolvedError if the scenario processes sequentially and something is unresolved.
    """
    before = await store.scenario(plan.id)
    if plan.settings.sequential_processing and before.incomplete:
        raise _unresolved(plan.id, await store.incompletes(scenario_id=plan.id))
    if not before.active:
        watcher.note(
            f"`{plan.id}` is inactive, so only runs by hand start it: fusion activate {plan.id}"
        )
    yield
    after = await store.scenario(plan.id)
    if before.active and not after.active:
        row = f" after {after.errors_in_row} errors in a row" if after.errors_in_row > 1 else ""
        watcher.note(f"`{plan.id}` is deactivated{row}: fusion activate {plan.id}")


def _unresolved(scenario_id: str, waiting: Sequence[Incomplete]) -> UnresolvedError:
    named = [
        f"{one.id[:8]}  {one.node_id}  {one.failure.type}: {one.failure.message}"
        for one in waiting[:LISTED]
    ]
    if len(waiting) > LISTED:
        named.append(f"and {len(waiting) - LISTED} more")
    is_one = len(waiting) == 1
    return UnresolvedError(
        f"`{scenario_id}` processes sequentially, and {len(waiting)} incomplete "
        f"execution{'' if is_one else 's'} must be resolved before it runs again",
        notes=tuple(named),
        next_command=f"fusion incomplete list --scenario {scenario_id}",
    )
