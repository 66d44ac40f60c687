"""The account that all clients of a server share: what it may do, and what it has used.

Nothing is limited unless the owner of the server wants it, so that every error of the real service
can be tried. What was used is counted from the start of the server. Source: CloudConvert API v2,
rate limits, scopes, sandbox; recorded errors.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from modules.cloudconvert.local.records import StoredFile
from modules.cloudconvert.local.refusal import Refusal, TaskFailure

SCOPES = (
    "user.read", "user.write", "task.read", "task.write", "webhook.read", "webhook.write",
)  # fmt: skip
UNLIMITED = 1_000_000
"""Shown where there is no limit: clients want a number. Assumed."""
WINDOW = timedelta(minutes=1)

OUT_OF_CREDITS = "Your account has run out of conversion minutes"


@dataclass(frozen=True, slots=True)
class Quotas:
    """What the account may do; None: no limit."""

    creations_per_minute: int | None = None
    """Jobs and tasks."""
    credits: int | None = None
    parallel_jobs: int | None = None
    """Jobs and lone tasks that have not ended."""
    scopes: frozenset[str] = frozenset(SCOPES)
    sandbox_md5s: frozenset[str] | None = None
    """MD5s, in lower case, of the files that a sandbox takes; None: this is no sandbox."""


class Account:
    """Raises Refusal 402, 403 and 429, and TaskFailure, where a quota is used up."""

    def __init__(self, quotas: Quotas, now: Callable[[], datetime]) -> None:
        self._quotas, self._now = quotas, now
        self._spent = 0
        self._created = 0
        self._window_ends: datetime | None = None

    # Rates

    def count_creation(self) -> Mapping[str, str]:
        """Count a request to create something; return the headers that tell what is left.

        Raises Refusal 429. A window begins with the first request after the last one. Assumed.
        """
        now, limit = self._now(), self.creations_per_minute
        if self._window_ends is None or not now < self._window_ends <= now + WINDOW:
            self._window_ends, self._created = now + WINDOW, 0
        headers = {"X-RateLimit-Limit": str(limit)}
        if self._created >= limit:
            seconds = math.ceil((self._window_ends - now).total_seconds())
            headers |= {"X-RateLimit-Remaining": "0", "Retry-After": str(seconds)}
            raise Refusal(429, "TOO_MANY_REQUESTS", "Too Many Attempts.", headers=headers)
        self._created += 1
        return headers | {"X-RateLimit-Remaining": str(limit - self._created)}

    @property
    def creations_per_minute(self) -> int:
        limit = self._quotas.creations_per_minute
        return UNLIMITED if limit is None else limit

    # Credits and jobs at once

    @property
    def credits_left(self) -> int:
        if self._quotas.credits is None:
            return UNLIMITED
        return max(0, self._quotas.credits - self._spent)

    def admit(self, *, costs: bool, open_jobs: int) -> None:
        """Let a job or lone task in, or raise Refusal 402; `costs`: it takes credits."""
        if costs and not self.sandbox and self.credits_left == 0:
            raise Refusal(402, "CREDITS_EXCEEDED", OUT_OF_CREDITS)
        most = self._quotas.parallel_jobs
        if most is not None and open_jobs >= most:
            text = "You have started too many jobs at once"
            raise Refusal(402, "PARALLEL_JOB_LIMIT_EXCEEDED", text)

    def afford(self, credits_wanted: int) -> None:
        """Raise TaskFailure if a task that is about to run costs more than is left."""
        if not self.sandbox and credits_wanted > self.credits_left:
            raise TaskFailure("INSUFFICIENT_CREDITS", OUT_OF_CREDITS)

    def pay(self, credits_used: int) -> int:
        """Take the credits of a finished task; return what it cost, nothing in a sandbox."""
        cost = 0 if self.sandbox else credits_used
        self._spent += cost
        return cost

    # Scopes

    def check_scope(self, scope: str) -> None:
        """Raise Refusal 403 if the key has no such right."""
        if scope not in self._quotas.scopes:
            raise Refusal(403, "FORBIDDEN", "Invalid scope(s) provided.")

    # Sandbox

    @property
    def sandbox(self) -> bool:
        return self._quotas.sandbox_md5s is not None

    @property
    def priority(self) -> int:
        """What tasks show. Source: recorded tasks of both hosts."""
        return -10 if self.sandbox else 50

    def admit_file(self, file: StoredFile) -> None:
        """Raise TaskFailure for an imported file that the sandbox does not take."""
        allowed = self._quotas.sandbox_md5s
        if allowed is not None and file.md5 not in allowed:
            text = f"The file {file.filename} is not whitelisted for sandbox use"
            raise TaskFailure("SANDBOX_FILE_NOT_ALLOWED", text)
