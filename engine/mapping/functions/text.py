"""Text functions. Source: Fusion help, "String functions".

What builds text takes as much as `check_text` allows; what only looks at a text takes any length.
Null counts as empty text.
"""

import re
import unicodedata
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote

from engine.mapping.coercion import joined, texts_of, to_integer, to_text
from engine.mapping.functions.function import Function, Needs
from engine.mapping.functions.patterns import replace_emoji, replace_pattern, written_pattern
from engine.mapping.limits import Meter, check_list, check_text
from engine.mapping.operators import concat, equal

HTML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
MARKDOWN = "\\`*_{}[]()#+-.!|~<>"
MARKDOWN_ESCAPES = str.maketrans({mark: f"&#{ord(mark)};" for mark in MARKDOWN})
"""Assumed: every character that Markdown may read as a mark becomes its numeric entity."""
URL_SAFE = "-_.!~*'()"
LAST_DECOMPOSED = 0x30000
"""No letter from here on has an accent."""


def short(value: Any) -> str:
    """Return a value as text that may be worked on. Raises Refused beyond the limit."""
    text = to_text(value)
    check_text(len(text))
    return text


def turned(change: Callable[[str], str]) -> Callable[[Any], str]:
    """Return a function of one text that grows it at most threefold."""

    def function(value: Any) -> str:
        text = value if type(value) is str else to_text(value)
        check_text(len(text))
        return change(text)

    return function


def length(value: Any) -> int:
    """Count characters, bytes of a buffer, elements of an array or items of a collection."""
    return len(value) if isinstance(value, bytes | list | tuple | dict) else len(to_text(value))


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _start_case(text: str) -> str:
    return re.sub(r"\S+", lambda word: _capitalize(word.group().lower()), text)


def _pascal(text: str) -> str:
    return re.sub(r"([^\W_]+)[\W_]*|^[\W_]+", _pascal_word, text)


def _pascal_word(match: re.Match[str]) -> str:
    return _capitalize((match[1] or "").lower())


def without_accents(text: str) -> str:
    """Decompose letter by letter: a run of combining marks then costs no more than other text."""
    return text if text.isascii() else text.translate(_Bare())


class _Bare(dict[int, str]):
    """What each letter is without its accents, found when it is first asked for."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        if code >= LAST_DECOMPOSED:
            return letter
        parts = unicodedata.normalize("NFD", letter)
        self[code] = "".join(part for part in parts if not unicodedata.combining(part))
        return self[code]


def _decoded(text: str) -> str:
    return re.sub(r"(?:%[0-9a-fA-F]{2})+", _decoded_run, text)


def _decoded_run(match: re.Match[str]) -> str:
    return bytes.fromhex(match.group().replace("%", "")).decode(errors="replace")


def _to_ascii(value: Any, transliterate: Any = None) -> str:
    text = short(value)
    if transliterate is True:
        text = without_accents(text)
    return "".join(letter for letter in text if letter < "\x80")


def replace(meter: Meter, value: Any, search: Any, new: Any) -> str:
    """Assumed: a plain search text is replaced everywhere."""
    text, old, fresh = short(value), to_text(search), to_text(new)
    pattern = written_pattern(old)
    if pattern is not None:
        return pattern.replaced(text, fresh, meter)
    if not old:
        return text
    check_text(len(text) + text.count(old) * (len(fresh) - len(old)))
    return text.replace(old, fresh)


def _substring(value: Any, start: Any, end: Any = None) -> str:
    text = to_text(value)
    first = max(to_integer(start), 0)
    last = len(text) if end is None else max(to_integer(end), 0)
    check_text(min(last, len(text)) - min(first, last))
    return text[first:last]


def _left(value: Any, count: Any) -> str:
    return _substring(value, 0, count)


def _right(value: Any, count: Any) -> str:
    text = to_text(value)
    return _substring(text, len(text) - max(to_integer(count), 0))


def _index_of(value: Any, search: Any, start: Any = 0) -> int:
    return to_text(value).find(to_text(search), max(to_integer(start), 0))


def contains(value: Any, search: Any) -> bool:
    """Assumed: letters of another case do not match."""
    if isinstance(value, list | tuple):
        return any(equal(each, search) for each in value)
    return to_text(search) in to_text(value)


def _split(value: Any, separator: Any) -> list[str]:
    text, mark = short(value), to_text(separator)
    check_list(text.count(mark) + 1 if mark else len(text))
    return text.split(mark) if mark else list(text)


def _joined(separator: Any, *texts: Any) -> str:
    return joined(to_text(separator), texts)


def _sorted_texts(*values: Any) -> list[str]:
    return sorted(_texts(values))


def _sorted_texts_down(*values: Any) -> list[str]:
    return sorted(_texts(values), reverse=True)


def _texts(values: tuple[Any, ...]) -> list[str]:
    if len(values) == 1 and isinstance(values[0], list | tuple):
        check_list(len(values[0]))
        return texts_of(values[0])
    return texts_of(values)


def encode_url(value: Any) -> str:
    """Return the text percent-encoded, as JavaScript's encodeURIComponent does."""
    text = short(value)
    plain = sum(letter.isascii() and (letter.isalnum() or letter in URL_SAFE) for letter in text)
    size = len(text.encode("utf-8"))
    check_text(plain + 3 * (size - plain))
    return quote(text, safe=URL_SAFE)


def escape_html(value: Any) -> str:
    """Return the text with `& < > " '` as entities."""
    text = short(value)
    check_text(len(text) + sum(5 * text.count(mark) for mark in "&<>\"'"))
    return text.translate(HTML_ESCAPES)


def _escape_markdown(value: Any) -> str:
    text = short(value)
    check_text(len(text) + sum(5 * text.count(mark) for mark in MARKDOWN))
    return text.translate(MARKDOWN_ESCAPES)


def strip_html(value: Any) -> str:
    """Drop what stands between `<` and `>`; a `<` that nothing closes stays."""
    text, kept, at = short(value), [], 0
    while (start := text.find("<", at)) >= 0 and (end := text.find(">", start)) >= 0:
        kept.append(text[at:start])
        at = end + 1
    return unescape(concat(*kept, text[at:]))


TEXT = (
    Function("length", "value", "How many characters, bytes, elements or items.",
             'length("hello")', length),
    Function("lower", "text", "The text in small letters.", 'lower("Hi")', turned(str.lower)),
    Function("upper", "text", "The text in capitals.", 'upper("Hi")', turned(str.upper)),
    Function("capitalize", "text", "The first letter as a capital.", 'capitalize("hello world")',
             turned(_capitalize)),
    Function("startcase", "text", "Every word with a capital, the rest in small letters.",
             'startcase("hello WORLD")', turned(_start_case)),
    Function("pascal", "text", "All words in one, each with a capital.", 'pascal("foo bar baz")',
             turned(_pascal)),
    Function("trim", "text", "The text without white space at its ends.", 'trim("  hi ")',
             turned(str.strip)),
    Function("ascii", "text, [transliterate]",
             "ASCII letters only; with true, accents are taken off first.",
             'ascii("ěščřž", true)', _to_ascii),
    Function("removeAccents", "text", "The text without accents.", 'removeAccents("Héllo wörld")',
             turned(without_accents)),
    Function("replace", "text, search, new",
             "Every occurrence replaced; or matches of /re/flags, with $1 and $& in new.",
             'replace("Hello World", "/(o) (W)/", "$2 $1")', replace, Needs.METER),
    Function("replacePattern", "text, pattern, new",
             "Every match of a regular expression replaced, with $1 and $& in new.",
             'replacePattern("foo123bar", "[0-9]+", "_")', replace_pattern, Needs.METER),
    Function("replaceEmojiCharacters", "text, [new]", "Every emoji replaced.",
             'replaceEmojiCharacters("Hi 👋", "!")', replace_emoji),
    Function("substring", "text, start, [end]", "A part, counted from 0, without the end.",
             'substring("Hello", 1, 3)', _substring),
    Function("left", "text, count", "The first characters.", 'left("Hello", 3)', _left),
    Function("right", "text, count", "The last characters.", 'right("Hello", 3)', _right),
    Function("indexOf", "text, search, [start]", "Where a text begins, from 0; -1 if nowhere.",
             'indexOf("Workfront", "o", 3)', _index_of),
    Function("contains", "value, search", "True if a text or an array holds something.",
             'contains("Hello", "ell")', contains),
    Function("split", "text, separator", "The parts between separators.", 'split("a,b", ",")',
             _split),
    Function("concat", "separator, text…", "Texts put together with a separator.",
             'concat("-", "a", "b", "c")', _joined),
    Function("sortAscString", "text…", "The texts as an array, A first.",
             'sortAscString("b", "a")', _sorted_texts),
    Function("sortDescString", "text…", "The texts as an array, A last.",
             'sortDescString("a", "b")', _sorted_texts_down),
    Function("encodeURL", "text", "The text as part of a URL.", 'encodeURL("a b")', encode_url),
    Function("decodeURL", "text", "A part of a URL as text.", 'decodeURL("a%20b")',
             turned(_decoded)),
    Function("escapeHTML", "text", "The text with HTML's marks escaped.",
             'escapeHTML("<b>Hello</b>")', escape_html),
    Function("stripHTML", "text", "The text without HTML tags.", 'stripHTML("<b>Hello</b>")',
             strip_html),
    Function("escapeMarkdown", "text", "The text with Markdown's marks escaped.",
             'escapeMarkdown("# Header")', _escape_markdown),
)  # fmt: skip
