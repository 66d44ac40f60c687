"""What an attack on the mapping language is, and the bundle that attacks are run on."""

from typing import Any, NamedTuple


class Attack(NamedTuple):
    """A text; how it must end; and, for what must come out as it is, the value."""

    text: str
    end: str = "error"
    value: Any = None


def bundle() -> dict[str, Any]:
    """Return what `x` is: values of ordinary kinds, large ones among them."""
    return {
        "text": "abc",
        "n": 3,
        "list": [1, 2, 3],
        "m": {"a": 1, "items": [1], "__class__": "data"},
        "rows": [{"k": "a", "v": 1}, {"k": "b", "v": 2}],
        "path": "__class__",
        "attr": "__class__.__mro__",
        "template": "{{ 7 * 7 }}",
        "format": "{0.__class__}",
        "big": "b" * 900_000,
        "wide": "\u017c\U0001f44b" * 450_000,
        "long": list(range(90_000)),
        "too_long": list(range(200_000)),
        "texts": ["y" * 1_000] * 90_000,
        "huge": 10**1_200,
        "wild": 10**4_000,
        "infinite": float("inf"),
    }
