"""SQL as code: the queries of the `.sql` files here, by name, and the numbered migrations."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
_MARK = "-- name: "


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; a store of version `number` has it and all before."""

    number: int
    name: str
    sql: str


def queries() -> Mapping[str, str]:
    """Return each query by the name in its `-- name:` line; parameters are written `:name`."""
    found: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("*.sql")):
        sections = (section.partition("\n") for section in path.read_text().split(_MARK)[1:])
        found |= {name.strip(): sql.strip() for name, _, sql in sections}
    return found


def migrations() -> tuple[Migration, ...]:
    """Return all migrations, lowest number first."""
    paths = sorted((_FOLDER / "migrations").glob("[0-9]*.sql"))
    return tuple(_migration(path) for path in paths)


def _migration(path: Path) -> Migration:
    number, _, name = path.stem.partition("_")
    return Migration(int(number), name, path.read_text())
