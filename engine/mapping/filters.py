"""Jinja's filters, with Jinja's parameters, on the values of bundles. Null counts as nothing.

Source: Jinja 3.1, "List of builtin filters"; a flag that is off there is null here. A filter that
can grow its input computes the size first. What is missing on purpose is in `REFUSED_FILTERS`.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from engine.mapping.coercion import date_text, joined, to_integer, to_number, to_text
from engine.mapping.functions.arrays import identity, order
from engine.mapping.functions.general import steps_of
from engine.mapping.functions.text import encode_url, short, strip_html
from engine.mapping.limits import check_list, check_text
from engine.mapping.operators import add, item_of
from engine.mapping.refusal import Refused

REFUSED_FILTERS = frozenset(
    {"attr", "format", "pprint", "xmlattr", "urlize", "random", "safe", "forceescape", "wordwrap"}
)
"""Jinja's filters that reach into Python, grow without bound, or mean nothing here."""


QUERY_LETTERS = {ord(mark): f"%{ord(mark):02X}" for mark in "!*'()"}
"""What Jinja encodes in a query, besides what every part of a URL needs."""

HTML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})


def elements(value: Any) -> list[Any]:
    """Return what Jinja iterates over: elements, letters, or a collection's names."""
    match value:
        case None:
            return []
        case list():
            found = value
        case tuple() | Mapping():
            found = list(value)
        case str():
            check_list(len(value))
            found = list(value)
        case _:
            raise Refused("an array", value)
    check_list(len(found))
    return found


def attribute_of(value: Any, path: Any) -> Any:
    """Follow a dotted path of names and 0-based indices, as Jinja's `attribute=` does."""
    for part in steps_of(str(path)):
        value = item_of(value, int(part) if part.isdecimal() and len(part) < 10 else part)
    return value


def _picked(value: Any, attribute: Any) -> list[Any]:
    found = elements(value)
    return found if attribute is None else [attribute_of(each, attribute) for each in found]


def _folded(value: Any, case_sensitive: Any) -> Any:
    return value if case_sensitive or not isinstance(value, str) else value.lower()


def _upper(value: Any) -> str:
    return short(value).upper()


def _lower(value: Any) -> str:
    return short(value).lower()


def _capitalize(value: Any) -> str:
    return short(value).capitalize()


def _title(value: Any) -> str:
    return re.sub(r"[^-\s({\[<]+", _title_word, short(value))


def _title_word(match: re.Match[str]) -> str:
    word = match.group()
    return word[:1].upper() + word[1:].lower()


def _trim(value: Any, chars: Any = None) -> str:
    return short(value).strip(None if chars is None else to_text(chars))


def _replace(value: Any, old: Any, new: Any, count: Any = None) -> str:
    text, search, fresh = short(value), to_text(old), to_text(new)
    limit = -1 if count is None else to_integer(count)
    found = text.count(search) if limit < 0 else min(text.count(search), limit)
    check_text(len(text) + found * (len(fresh) - len(search)))
    return text.replace(search, fresh, limit)


def _truncate(
    value: Any, length: Any = 255, killwords: Any = None, end: Any = "...", leeway: Any = 5
) -> str:
    text, tail = short(value), to_text(end)
    size, slack = to_integer(length), to_integer(leeway)
    if size < len(tail) or slack < 0:
        raise Refused(f"a length of at least {len(tail)}", length)
    if len(text) <= size + slack:
        return text
    cut = text[: size - len(tail)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + tail


def _word_count(value: Any) -> int:
    return sum(1 for _ in re.finditer(r"\w+", short(value)))


def _center(value: Any, width: Any = 80) -> str:
    size = to_integer(width)
    check_text(size)
    return short(value).center(size)


def _indent(value: Any, width: Any = 4, first: Any = None, blank: Any = None) -> str:
    text = short(value)
    lead = to_text(width) if isinstance(width, str) else None
    if lead is None:
        check_text(to_integer(width))
        lead = " " * to_integer(width)
    lines = text.split("\n")
    check_text(len(text) + len(lead) * len(lines))
    rest = [lead + line if line or blank else line for line in lines[1:]]
    return "\n".join([lead + lines[0] if first else lines[0], *rest])


def _escape(value: Any) -> str:
    text = short(value)
    check_text(len(text) + sum(4 * text.count(mark) for mark in "&<>\"'"))
    return text.translate(HTML_ESCAPES)


def _strip_tags(value: Any) -> str:
    return " ".join(strip_html(value).split())


def _url_encode(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = [f"{_query(key)}={_query(each)}" for key, each in value.items()]
        check_text(sum(map(len, pairs)) + len(pairs))
        return "&".join(pairs)
    text = short(value)
    check_text(3 * len(text.encode("utf-8")))
    return quote(text, safe="/")


def _query(value: Any) -> str:
    return encode_url(value).translate(QUERY_LETTERS).replace("%20", "+")


def _string(value: Any) -> str:
    return short(value)


def to_json(value: Any, indent: Any = None) -> str:
    """Write JSON, names in order as in Jinja; a date is ISO text, a file its items.

    Assumed: unlike in Jinja, letters beyond ASCII and HTML's marks stay as they are.
    """
    spaces = None if indent is None else to_integer(indent)
    if spaces is not None and not 0 <= spaces <= 16:
        raise Refused("0 to 16 spaces", indent)
    parts, size = [], 0
    encoder = json.JSONEncoder(indent=spaces, default=_plain, ensure_ascii=False, sort_keys=True)
    for part in encoder.iterencode(value):
        size += len(part)
        check_text(size)
        parts.append(part)
    return "".join(parts)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return date_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise Refused("what JSON can write", value)


def _default(value: Any, default_value: Any = "", boolean: Any = None) -> Any:
    return default_value if value is None or (boolean and not value) else value


def _length(value: Any) -> int:
    if isinstance(value, bytes | list | tuple | str | Mapping):
        return len(value)
    if value is None:
        return 0
    raise Refused("an array, a text or a collection", value)


def _to_int(value: Any, default: Any = 0, base: Any = 10) -> Any:
    try:
        if isinstance(value, str) and base != 10:
            return int(value[:2_000], to_integer(base))
        return to_integer(int(value) if isinstance(value, bool) else value)
    except (Refused, ValueError):
        return default


def _to_float(value: Any, default: Any = 0.0) -> Any:
    try:
        return float(to_number(int(value) if isinstance(value, bool) else value))
    except Refused:
        return default


def _round_number(value: Any, precision: Any = 0, method: Any = "common") -> int | float:
    number, places = to_number(value), to_integer(precision)
    if not -300 <= places <= 300:
        raise Refused("a precision of ordinary size", precision)
    if method == "common":
        return round(number, places)
    if method not in ("ceil", "floor"):
        raise Refused("`common`, `ceil` or `floor` as method", method)
    scale = 10.0**places
    moved = number * scale
    return float(-(-moved // 1) if method == "ceil" else moved // 1) / scale


def _absolute(value: Any) -> int | float:
    return abs(to_number(value))


def _join(value: Any, d: Any = "", attribute: Any = None) -> str:
    return joined(to_text(d), _picked(value, attribute))


def _first(value: Any) -> Any:
    return next(iter(elements(value)), None)


def _last(value: Any) -> Any:
    found = elements(value)
    return found[-1] if found else None


def _reverse(value: Any) -> Any:
    return short(value)[::-1] if isinstance(value, str) else elements(value)[::-1]


def _sort(
    value: Any, reverse: Any = None, case_sensitive: Any = None, attribute: Any = None
) -> list[Any]:
    paths = [] if attribute is None else to_text(attribute).split(",")

    def rank(each: Any) -> Any:
        found = [attribute_of(each, path) for path in paths] if paths else [each]
        return [order(_folded(part, case_sensitive)) for part in found]

    return sorted(elements(value), key=rank, reverse=bool(reverse))


def _unique(value: Any, case_sensitive: Any = None, attribute: Any = None) -> list[Any]:
    seen: dict[Any, Any] = {}
    found = elements(value)
    for each, part in zip(found, _picked(found, attribute), strict=True):
        seen.setdefault(identity(_folded(part, case_sensitive)), each)
    return list(seen.values())


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(value: Any, case_sensitive: Any = None, attribute: Any = None) -> Any:
        def rank(each: Any) -> Any:
            part = each if attribute is None else attribute_of(each, attribute)
            return order(_folded(part, case_sensitive))

        return choose(elements(value), key=rank, default=None)

    return extreme


def _total(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    result = start
    for each in _picked(value, attribute):
        if isinstance(each, str | list):
            raise Refused("numbers", each)
        result = add(result, each)
    return result


def _listed(value: Any) -> list[Any]:
    return list(elements(value))


def _dict_sort(
    value: Any, case_sensitive: Any = None, by: Any = "key", reverse: Any = None
) -> list[list[Any]]:
    if by not in ("key", "value"):
        raise Refused("`key` or `value`", by)
    place = 0 if by == "key" else 1
    return sorted(
        _items(value),
        key=lambda pair: order(_folded(pair[place], case_sensitive)),
        reverse=bool(reverse),
    )


def _items(value: Any) -> list[list[Any]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise Refused("a collection", value)
    check_list(len(value))
    return [[key, each] for key, each in value.items()]


def _batch(value: Any, linecount: Any, fill_with: Any = None) -> list[list[Any]]:
    found, size = elements(value), to_integer(linecount)
    if size < 1:
        raise Refused("a positive number", linecount)
    rows = [found[start : start + size] for start in range(0, len(found), size)]
    if rows and fill_with is not None:
        check_list(len(rows) * size)
        rows[-1] = rows[-1] + [fill_with] * (size - len(rows[-1]))
    return rows


def _slices(value: Any, slices: Any, fill_with: Any = None) -> list[list[Any]]:
    found, count = elements(value), to_integer(slices)
    if count < 1:
        raise Refused("a positive number", slices)
    check_list(count)
    size, longer = divmod(len(found), count)
    rows, at = [], 0
    for index in range(count):
        end = at + size + (index < longer)
        row = found[at:end]
        if fill_with is not None and index >= longer:
            row = [*row, fill_with]
        rows.append(row)
        at = end
    return rows


def _group_by(
    value: Any, attribute: Any, default: Any = None, case_sensitive: Any = None
) -> list[dict[str, Any]]:
    groups: dict[Any, dict[str, Any]] = {}
    for each in elements(value):
        found = attribute_of(each, attribute)
        key = default if found is None else found
        folded = identity(_folded(key, case_sensitive))
        groups.setdefault(folded, {"grouper": key, "list": []})["list"].append(each)
    return sorted(groups.values(), key=lambda group: order(group["grouper"]))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _absolute, "batch": _batch, "capitalize": _capitalize, "center": _center,
    "count": _length, "d": _default, "default": _default, "dictsort": _dict_sort, "e": _escape,
    "escape": _escape, "first": _first, "float": _to_float, "groupby": _group_by,
    "indent": _indent, "int": _to_int, "items": _items, "join": _join, "last": _last,
    "length": _length, "list": _listed, "lower": _lower, "max": _extreme(max),
    "min": _extreme(min), "replace": _replace, "reverse": _reverse, "round": _round_number,
    "slice": _slices, "sort": _sort, "string": _string, "striptags": _strip_tags, "sum": _total,
    "title": _title, "tojson": to_json, "trim": _trim, "truncate": _truncate, "unique": _unique,
    "upper": _upper, "urlencode": _url_encode, "wordcount": _word_count,
}  # fmt: skip
"""By Jinja's name."""
