"""A server that other processes on the same data folder may use, and how they find it.

    DATA/shared       address and token of the server, mode 0600, while it runs

Only a server that outlives runs is shared, that of `fusion serve`: whoever uses it need not wait
for its jobs. What a dead server left in the file is never believed: nobody holds the folder then.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.module import Connection, lasting

NAME: Final = "shared"


def offer(folder: Path, connection: Connection) -> None:
    """Let other processes use the server that holds the folder. Raises OSError."""
    fresh = folder / f"{NAME}.new"
    with suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        parts = [connection.base_url, connection.credential, connection.sync_base_url]
        json.dump(parts, file)
    lasting.rename(fresh, folder / NAME)


def withdraw(folder: Path) -> None:
    """Offer the server no more; does nothing if it was not offered."""
    with suppress(FileNotFoundError):
        (folder / NAME).unlink()


def offered(folder: Path) -> Connection | None:
    """Return what the holder of the folder offers; None: nothing, or nothing that can be read."""
    try:
        base_url, credential, sync_base_url = json.loads((folder / NAME).read_text())
    except (OSError, ValueError, TypeError):
        return None
    return Connection(base_url, credential, sync_base_url)
