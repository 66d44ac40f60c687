"""Sizes, durations, moments and ids as people read them."""

from datetime import datetime

SHORT_ID = 8
"""Characters of an id that people see; any unique prefix finds a record."""


def short(record_id: str) -> str:
    """Return the part of an id that people see and type."""
    return record_id[:SHORT_ID]


def duration(seconds: float) -> str:
    """Return `0.04 s`, `3.2 s`, `2 min 05 s` or `1 h 02 min`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was: `just now`, `3 min ago`, `5 h ago`, `12 days ago`."""
    seconds = (now - moment).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h ago"
    return f"{seconds // 86400:.0f} days ago"


def until(moment: datetime, now: datetime) -> str:
    """Return how far off a moment is: `now`, `in 40 s`, `in 12 min`, `in 5 h`, `in 3 days`."""
    seconds = (moment - now).total_seconds()
    if seconds <= 0:
        return "now"
    if seconds < 60:
        return f"in {seconds:.0f} s"
    if seconds < 3600:
        return f"in {seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"in {seconds / 3600:.0f} h"
    return f"in {seconds / 86400:.0f} days"


def clock_time(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def size(count: int) -> str:
    """Return bytes as `812 B`, `2.4 kB` or `1.3 GB`, in steps of 1000."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def counted(count: int, noun: str) -> str:
    """Return `1 file`, `3 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
