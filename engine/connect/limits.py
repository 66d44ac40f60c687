"""How long a request may take and how much may come back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request; times in seconds, sizes in bytes."""

    connect_seconds: float = 10
    read_seconds: float = 60
    """Longest silence while an answer is due."""
    write_seconds: float = 120
    """Longest wait for the other side to take one chunk of an upload."""
    deadline_seconds: float = 90
    """Whole request: repeats, waits for a rate limit and the answer's body included."""
    slowest_rate: int = 64 * 1024
    """Bytes a second: a file has this much time beyond the deadline, so that a drip ends."""
    answer_bytes: int = 16 * 1024 * 1024
    """Largest answer that is not a file."""
    redirects: int = 5


LIMITS = Limits()
"""Limits for the service of a connection."""

FETCH_LIMITS = Limits(read_seconds=30, deadline_seconds=40)
"""Limits for addresses that somebody else chose. Assumed: the deadline counts to the first byte,
and the body may take as long as the slowest rate allows, so that large files pass."""
