"""Time in tests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class StandingClock:
    """Time moves only where something sleeps; `slept` holds the waits in seconds."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, wait: timedelta) -> None:
        self.seconds += wait.total_seconds()
        self.slept.append(wait.total_seconds())
