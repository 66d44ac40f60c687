"""Placeholder of the compiled mapping's types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Scope: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """A compiled text."""

    evaluate: Callable[[Scope], Any]
