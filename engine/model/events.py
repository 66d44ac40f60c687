"""What came to hooks, until a run has worked it off."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """An event that waits for its run. `id` is the sender's: the same again is the same event.

    `attempts` counts runs of it that ended in error; the next begins at `due_at`, None: at once. A
    `confidential` one is stored encrypted.
    """

    scenario_id: str
    id: str
    received_at: datetime
    payload: Mapping[str, Any]
    attempts: int = 0
    due_at: datetime | None = None
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that a service knows, or may know: noted before it is registered there.

    `data` is what the trigger needs to remove it, empty before the service has answered.
    """

    scenario_id: str
    node_id: str
    url: str
    data: Mapping[str, Any] = field(default_factory=dict)
