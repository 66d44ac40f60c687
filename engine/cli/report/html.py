"""HTML in which text is always text."""

from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias

from engine.cli.text import visible

_EMPTY: Final = frozenset({"meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content: TypeAlias = str | Html | Iterable[str | Html]


def tag(name: str, content: Content = "", /, **attributes: str | None) -> Html:
    """Return an element; attributes of None are left out, `_` in their names is `-`."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{pairs}>")
    parts = [content] if isinstance(content, str) else content
    return Html(f"<{name}{pairs}>{''.join(map(text, parts))}</{name}>")


def text(content: str) -> Html:
    """Return text as HTML, what would act on a terminal or turn a line around written out."""
    if isinstance(content, Html):
        return content
    shown = content if content.isprintable() else "".join(map(_readable, content))
    return Html(escape(shown, quote=True))


def _readable(char: str) -> str:
    return char if char == "\n" else visible(char)
