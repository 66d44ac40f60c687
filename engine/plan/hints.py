"""Words that every load error uses: names made safe to show, and near matches of wrong ones."""

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 60
"""Longest name in a message; the excerpt shows the rest."""


def shown(name: object) -> str:
    """Return a name in backticks, cut, with control characters written out (security Y6)."""
    text = str(name)
    if len(text) > SHOWN:
        text = text[: SHOWN - 1] + "…"
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _written_out(char) for char in text)
    return f"`{text}`"


def _written_out(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def near(name: str, options: Iterable[str]) -> str | None:
    """Return the option that was most likely meant, None if none is close."""
    by_lower = {option.lower(): option for option in options}
    found = get_close_matches(name[:SHOWN].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return `; did you mean …?`, or nothing if no option is close."""
    option = near(name, options)
    return f"; did you mean {shown(option)}?" if option is not None else ""


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Return names with commas, `none` without any, cut after `limit`."""
    all_names = list(names)
    more = len(all_names) - limit
    text = ", ".join(shown(name)[1:-1] for name in all_names[:limit])
    if more > 0:
        return f"{text} and {more} more"
    return text or "none"
