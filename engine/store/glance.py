"""A glance into a store for the shell, while somebody types: nothing is changed, or waited for.

What cannot be seen at once is not there. Blocking.
Source: SQLite documentation, "Uniform Resource Identifiers".
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from engine.store.database import FILE_NAME
from engine.store.queries import queries

PATIENCE_SECONDS: Final = 0.2

Hint = tuple[str, str]
"""An id, and a few words about it."""


def glance(folder: Path, query: str, **parameters: str) -> list[Hint]:
    """Return what a query of `glance.sql` finds; nothing if the store cannot be read."""
    path = folder / FILE_NAME
    # Without a log nobody has the store open, and it stays the only file if none is made.
    way = "mode=ro" if path.with_name(f"{FILE_NAME}-wal").exists() else "immutable=1"
    uri = f"{path.absolute().as_uri()}?{way}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS)) as connection:
            rows = connection.execute(queries()[query], parameters).fetchall()
    except (sqlite3.Error, OSError):
        return []
    return [(str(row[0]), str(row[1])) for row in rows]
