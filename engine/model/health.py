"""What looking at a part of the machine has found, before anything needs it."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    """It works; something is missing or is better seen to."""
    FAIL = "fail"
    """What needs it cannot work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about a part. `advice` says what to do; empty if there is nothing to be done."""

    about: str
    health: Health
    text: str
    advice: str = ""
