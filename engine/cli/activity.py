"""What `fusion activate` and `fusion deactivate` have in common."""

from typing import TYPE_CHECKING

from engine.cli.output import Output

if TYPE_CHECKING:
    from engine.app import Operator


def set_activity(output: Output, operator: "Operator", scenario: str, *, active: bool) -> None:
    """Activate or deactivate a scenario and tell how it stands now."""
    from engine.app import set_active
    from engine.cli.records import registered_json
    from engine.cli.running import run_async

    known, _ = run_async(set_active(scenario, operator, active=active))
    if output.as_json:
        output.document({"scenario": registered_json(known)})
    else:
        output.result(f"`{known.id}` is {'active' if active else 'inactive'}")
