"""The most memory that this process has had at one time, as the kernel keeps count; Linux only."""

from contextlib import suppress
from pathlib import Path


def peak() -> int:
    """Return the most bytes since `forget_peak`, or since the start; 0 where nothing is counted."""
    account = Path("/proc/self/status")
    lines = account.read_text().splitlines() if account.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def forget_peak() -> None:
    """Count anew from what is in use now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
