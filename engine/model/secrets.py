"""Secret values that a process has come to know, and how they are cut from text for people.

`engine.connect` tells of each credential when it opens a connection; the one writer of the command
line (`engine.cli.output`) and the failures that are stored pass their text through `cut`.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

SHORTEST: Final = 8
"""Characters; shorter values are left in texts, as too much else would look like them."""

_TELLING: Final = 16
"""Characters of a longer secret's beginning that give it away: a text may be cut short there."""


class Secrets:
    """Values that no text for people may show. It only grows; `cut` is cheap while it is empty."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()

    def know(self, value: str) -> None:
        """Remember a secret, also as it stands in URLs, in JSON, and in Base64.

        One shorter than `SHORTEST` is not remembered.
        """
        if len(value) < SHORTEST:
            return
        known = {*self._forms, *_forms(value)}
        self._forms = tuple(sorted(known, key=lambda form: (-len(form), form)))

    def cut(self, text: str) -> str:
        """Return text with `***` in place of every secret, and of the beginning of a long one."""
        for form in self._forms:
            text = _without(text, form)
        return text

    def cut_in(self, value: Any) -> Any:
        """Return a value of JSON's kinds with all its texts cut, names of items too."""
        if not self._forms:
            return value
        match value:
            case str():
                return self.cut(value)
            case Mapping():
                return {self.cut_in(key): self.cut_in(item) for key, item in value.items()}
            case list() | tuple():
                return [self.cut_in(item) for item in value]
        return value


def _forms(value: str) -> Iterator[str]:
    """Yield a value and what it becomes where it is sent or quoted."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    for before in range(3):
        # In `Basic` credentials something stands in front, so each of the three ways in which the
        # bytes can meet Base64's groups of three; characters that depend on neighbours are left.
        encoded = b64encode(b"\0" * before + value.encode()).decode().rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(value.encode())) * 8 // 6
        if last - first >= SHORTEST:
            yield encoded[first:last]


def _without(text: str, form: str) -> str:
    """Return text without a form, and without its beginning, as far as it goes, if it is long."""
    head = form[:_TELLING]
    at = text.find(head)
    while at >= 0:
        same = _alike(text[at : at + len(form)], form)
        text = f"{text[:at]}{HIDDEN}{text[at + same :]}"
        at = text.find(head, at + len(HIDDEN))
    return text


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
