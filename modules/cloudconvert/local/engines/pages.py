"""Choosing pages of a document."""

from modules.cloudconvert.local.engines.talk import Failure


def pages_in(text: str | None, count: int) -> list[int]:
    """Return the 0-based pages of a text such as `1-3,7-`; pages beyond the last do not count.

    Raises Failure for what is no such text, or names no page that exists.
    """
    if not text:
        return list(range(count))
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        try:
            start = int(first) if first else 1
            end = start if not dash else (int(last) if last else count)
        except ValueError as error:
            raise Failure("INVALID_DATA", f"Cannot read the pages {text!r}") from error
        found += range(max(start, 1) - 1, min(end, count))
    if not found:
        raise Failure("INVALID_DATA", f"The file has none of the pages {text!r}; it has {count}")
    return found
