"""Whether a scenario's turn has come, and what its run did to later turns.

A run stands inside `in_turn`, which is entered under the scenario's run lock.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from engine.errors import UnresolvedError
from engine.model.selection import Selection, Summary
from engine.plan.plan import Plan
from engine.run.core import is_burst
from engine.run.ports import Store, Watcher
from engine.run.rules import BURST, BURST_WITHIN

LISTED: Final = 10
"""How many unresolved incomplete executions a refusal names."""

LOOKED_AT: Final = 3 * BURST
"""Latest executions among which a burst of errors is sought; replays stand between."""


@asynccontextmanager
async def in_turn(store: Store, plan: Plan, watcher: Watcher) -> AsyncIterator[None]:
    """Let a run by hand in, and say what is special about it or has become so.

    Raises UnresolvedError if the scenario processes sequentially and something is unresolved.
    """
    before = await store.scenario(plan.id)
    if plan.settings.sequential_processing and before.incomplete:
        oldest = await store.page_of(Selection(scenario_id=plan.id), limit=LISTED)
        raise _unresolved(plan.id, oldest.summaries, before.incomplete)
    if not before.active:
        watcher.note(
            f"`{plan.id}` is inactive, so only runs by hand start it: fusion activate {plan.id}"
        )
    yield
    reason = await _deactivated(store, plan.id) if before.active else None
    if reason is not None:
        watcher.note(f"`{plan.id}` is deactivated{reason}: fusion activate {plan.id}")


async def _deactivated(store: Store, scenario_id: str) -> str | None:
    """Say why a scenario is no longer active, which its latest run may have decided; None: it is.

    Too many errors in a short time deactivate it here.
    """
    after = await store.scenario(scenario_id)
    if not after.active:
        row = after.errors_in_row
        return f" after {row} errors in a row" if row > 1 else ""
    if not is_burst(await store.executions(scenario_id=scenario_id, limit=LOOKED_AT)):
        return None
    await store.set_active(scenario_id, active=False)
    minutes = BURST_WITHIN // timedelta(minutes=1)
    return f", because {BURST} runs in a row ended in error within {minutes} minutes"


def _unresolved(scenario_id: str, oldest: Sequence[Summary], count: int) -> UnresolvedError:
    named = [
        f"{one.id[:8]}  {one.node_id}  {one.error_type}: {one.message}" for one in oldest[:LISTED]
    ]
    if count > LISTED:
        named.append(f"and {count - LISTED} more")
    return UnresolvedError(
        f"`{scenario_id}` processes sequentially, and {count} incomplete "
        f"execution{'' if count == 1 else 's'} must be resolved before it runs again",
        notes=tuple(named),
        next_command=f"fusion incomplete list --scenario {scenario_id}",
    )
