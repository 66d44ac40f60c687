"""Values that a bundle may hold, at random, and whether two are the same."""

from datetime import UTC
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from engine.model.bundle import File

FOLDER = Path("files")

texts = st.text(st.characters(codec=None)) | st.sampled_from(["$date", "$file", "$x", "\ud800"])
files = st.builds(
    lambda name, size, sha256: File(name, size, "video/mp4", sha256, FOLDER / sha256),
    texts,
    st.integers(0, 2**63 - 1),
    st.text("0123456789abcdef", min_size=64, max_size=64),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**4096)
    | st.floats(allow_nan=False)
    | texts
    | st.datetimes(timezones=st.just(UTC))
    | st.binary()
    | files
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


def path_of(sha256: str) -> Path:
    return FOLDER / sha256


def same(one: Any, other: Any) -> bool:
    """Compare with types: True is not 1, and -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, File):
        return (one, one.size, one.type, one.path) == (other, other.size, other.type, other.path)
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)
