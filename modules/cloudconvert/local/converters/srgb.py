"""A profile of the sRGB colour space in the second version of ICC's format, which PDF/A-1 asks for.

Source: ICC.1:2001-04, minimum content of RGB display profiles; IEC 61966-2-1.
"""

import struct
from collections.abc import Sequence

POINTS = 1024
"""Of the curve from stored value to light."""
WHITE = (0.9642, 1.0, 0.8249)
PRIMARIES: dict[bytes, tuple[float, float, float]] = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""Adapted to the white of the profile connection space."""


def _point(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65_536))


def _light(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def srgb_profile() -> bytes:
    """Return the profile."""
    name = b"sRGB IEC61966-2-1\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    levels = [round(_light(point / (POINTS - 1)) * 65_535) for point in range(POINTS)]
    curve = b"curv\0\0\0\0" + struct.pack(f">I{POINTS}H", POINTS, *levels)
    tags = {
        b"desc": described,
        b"cprt": b"text\0\0\0\0No copyright is claimed.\0",
        b"wtpt": _point(WHITE),
        **{name: _point(values) for name, values in PRIMARIES.items()},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, content = _laid_out(tags)
    head = struct.pack(">I4sI4s4s4s6H4s", 0, b"\0" * 4, 0x02100000, b"mntr", b"RGB ", b"XYZ ",
                       2026, 1, 1, 0, 0, 0, b"acsp")  # fmt: skip
    head += bytes(28) + b"".join(map(_fixed, WHITE))
    whole = head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content
    return struct.pack(">I", len(whole)) + whole[4:]


def _laid_out(tags: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return the table of tags and their content, of which equal ones are stored once."""
    start = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    content = b""
    for data in tags.values():
        if data not in places:
            places[data] = start + len(content)
            content += data + bytes(-len(data) % 4)
    entries = (struct.pack(">4sII", name, places[data], len(data)) for name, data in tags.items())
    return b"".join(entries), content
