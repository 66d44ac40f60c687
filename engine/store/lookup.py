"""A record by its id or the beginning of it."""

from typing import Final

from engine.store import refused
from engine.store.database import Database
from engine.store.records import Row

LAST_LETTER: Final = "\U0010ffff"
"""Behind every character that an id may have."""


def find(database: Database, table: str, id_or_prefix: str, *, query: str = "") -> Row:
    """Return the row with an id, or the only one whose id begins like this.

    `table` is execution or incomplete; `query` another query by whole id than that of its name.
    Raises NotFoundError.
    """
    query = query or table
    if rows := database.query(query, id=id_or_prefix):
        return rows[0]
    like: list[Row] = []
    if len(id_or_prefix) >= refused.SHORTEST_PREFIX:
        ends = {"prefix": id_or_prefix, "beyond": id_or_prefix + LAST_LETTER}
        like = database.query(f"{table}s_like", **ends)
    if len(like) != 1:
        raise refused.not_found(table, id_or_prefix, [row["id"] for row in like])
    return database.query(query, id=like[0]["id"])[0]
