"""Cuts a text into the tokens that Jinja's parser reads, each with its character offset.

Jinja's own lexer counts lines only, unifies line breaks and warns about unknown escapes; this one
knows the same tokens (a test compares the two), keeps offsets and line breaks, and checks limits
while it reads, before anything recursive sees the text. Called by `engine.mapping.syntax`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.errors import ExpressionError
from engine.mapping.coercion import DIGIT_LIMIT, escaped
from engine.mapping.limits import NESTING_LIMIT, in_force

Token: TypeAlias = tuple[int, str, Any]
"""Offset, Jinja's type of token, value."""

OPENING = re.compile(
    r"(?P<raw>\{%(?P<raw_sign>[-+]?)\s*raw\s*(?:-%\}\s*|%\}))|(?P<tag>\{[{%#])(?P<sign>[-+]?)"
)
COMMENT_END = re.compile(r"-#\}\s*|\+?#\}")
RAW_END = re.compile(r"\{%(?P<sign>[-+]?)\s*endraw\s*(?:-%\}\s*|\+?%\})")
VARIABLE_END = re.compile(r"-\}\}\s*|\}\}")
BLOCK_END = re.compile(r"-%\}\s*|\+?%\}")
CODE = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<float>(?<!\.)\d+(?:_\d+)*(?:(?:\.\d+(?:_\d+)*)?[eE][+-]?\d+(?:_\d+)*|\.\d+(?:_\d+)*))
  | (?P<integer>0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+
        |[1-9](?:_?[0-9])*|0(?:_?0)*)
  | (?P<name>\w+)
  | (?P<string>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")
  | (?P<operator>\*\*|//|==|!=|>=|<=|[-+/*%~\[\](){}<>=.:|,;])
    """,
    re.VERBOSE | re.DOTALL,
)
OPERATORS = {
    "+": "add", "-": "sub", "/": "div", "//": "floordiv", "*": "mul", "%": "mod", "**": "pow",
    "~": "tilde", "[": "lbracket", "]": "rbracket", "(": "lparen", ")": "rparen", "{": "lbrace",
    "}": "rbrace", "==": "eq", "!=": "ne", ">": "gt", ">=": "gteq", "<": "lt", "<=": "lteq",
    "=": "assign", ".": "dot", ":": "colon", "|": "pipe", ",": "comma", ";": "semicolon",
}  # fmt: skip
CLOSING = {"(": ")", "[": "]", "{": "}"}
ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL
)
SIMPLE_ESCAPES = {
    "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r",
    "t": "\t", "v": "\v", "\n": "",
}  # fmt: skip
HINTS = {
    "`": 'write `item["Customer Name"]` for a name with spaces',
    "&": "write `and`",
    "!": "write `not`, or `!=` to compare",
    "$": "names have no `$` in front",
    "'": "the text is not closed",
    '"': "the text is not closed",
}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text, data included. Raises ExpressionError (E210, E213)."""
    limits = in_force()
    if len(text) > limits.source:
        raise ExpressionError("E213", f"the text is longer than {limits.source:,} characters")
    tokens: list[Token] = []
    for token in _Reader(text).read():
        if len(tokens) == limits.tokens:
            message = f"the text has more than {limits.tokens:,} parts"
            raise ExpressionError("E213", message, offset=token[0])
        tokens.append(token)
    return tokens


@dataclass(slots=True)
class _Reader:
    """Reads one text from left to right; `at` is the next character."""

    text: str
    at: int = 0
    brackets: list[str] = field(default_factory=list)

    def read(self) -> Iterator[Token]:
        while opening := OPENING.search(self.text, self.at):
            sign = opening["raw_sign"] if opening["raw"] else opening["sign"]
            yield from self._data(opening.start(), sign)
            start, self.at = opening.start(), opening.end()
            if opening["raw"]:
                yield from self._raw(start)
            elif opening["tag"] == "{#":
                self._comment(start)
            else:
                yield from self._code(start, opening["tag"])
        yield from self._data(len(self.text), "")

    def _data(self, end: int, sign: str) -> Iterator[Token]:
        data = self.text[self.at : end]
        if sign == "-":
            data = data.rstrip()
        if data:
            yield self.at, "data", data

    def _comment(self, start: int) -> None:
        end = COMMENT_END.search(self.text, self.at)
        if end is None:
            raise ExpressionError(
                "E210", "the comment `{#` has no end `#}`", offset=start, length=2
            )
        self.at = end.end()

    def _raw(self, start: int) -> Iterator[Token]:
        end = RAW_END.search(self.text, self.at)
        if end is None:
            message = "`{% raw %}` has no end `{% endraw %}`"
            raise ExpressionError("E210", message, offset=start, length=2)
        yield from self._data(end.start(), end["sign"])
        self.at = end.end()

    def _code(self, start: int, tag: str) -> Iterator[Token]:
        kind = "variable" if tag == "{{" else "block"
        ending = VARIABLE_END if tag == "{{" else BLOCK_END
        yield start, f"{kind}_begin", tag
        self.brackets.clear()
        while self.at < len(self.text):
            end = None if self.brackets else ending.match(self.text, self.at)
            if end:
                yield self.at, f"{kind}_end", end.group()
                self.at = end.end()
                return
            if token := self._token():
                yield token
        close = "}}" if tag == "{{" else "%}"
        raise ExpressionError("E210", f"`{tag}` has no end `{close}`", offset=start, length=2)

    def _token(self) -> Token | None:
        """Return the token that comes next; None: it is white space."""
        start, match = self.at, CODE.match(self.text, self.at)
        if match is None:
            raise self._unexpected(self.text[start])
        self.at, word = match.end(), match.group()
        match match.lastgroup:
            case "float":
                return start, "float", _number(word, start)
            case "integer":
                return start, "integer", _integer(word, start)
            case "name":
                if not word.isidentifier():
                    raise ExpressionError(
                        "E210", f"`{escaped(word)}` is no name", offset=start, length=len(word)
                    )
                return start, "name", word
            case "string":
                return start, "string", _unescaped(word[1:-1], start + 1)
            case "operator":
                self._balance(word, start)
                return start, OPERATORS[word], word
        return None

    def _balance(self, word: str, start: int) -> None:
        if word in CLOSING:
            self.brackets.append(CLOSING[word])
            if len(self.brackets) > NESTING_LIMIT:
                message = f"brackets are nested deeper than {NESTING_LIMIT}"
                raise ExpressionError("E213", message, offset=start)
        elif word in ")]}":
            expected = self.brackets.pop() if self.brackets else None
            if expected != word:
                rest = f", `{expected}` is expected" if expected else " without an opening one"
                raise ExpressionError("E210", f"unexpected `{word}`{rest}", offset=start)

    def _unexpected(self, char: str) -> ExpressionError:
        notes = (HINTS[char],) if char in HINTS else ()
        message = f"unexpected character `{escaped(char)}`"
        return ExpressionError("E210", message, offset=self.at, notes=notes)


def _integer(word: str, start: int) -> int:
    digits = word.replace("_", "")
    if len(digits) > DIGIT_LIMIT:
        raise ExpressionError("E213", "the number is too long", offset=start, length=len(word))
    return int(digits, 0)


def _number(word: str, start: int) -> float:
    number = float(word.replace("_", ""))
    if number == float("inf"):
        raise ExpressionError("E213", "the number is too large", offset=start, length=len(word))
    return number


def _unescaped(text: str, start: int) -> str:
    """Resolve Python's escapes; an unknown one stays as it is written."""
    if "\\" not in text:
        return text

    def resolved(match: re.Match[str]) -> str:
        escape = match.group()
        if escape[1] in SIMPLE_ESCAPES:
            return SIMPLE_ESCAPES[escape[1]]
        octal = escape[1] in "01234567"
        if len(escape) == 2 and not octal:
            return escape
        code = int(escape[1:], 8) if octal else int(f"0x{escape[2:]}", 0)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            message = f"`{escape}` is no character"
            offset = start + match.start()
            raise ExpressionError("E210", message, offset=offset, length=len(escape))
        return chr(code)

    return ESCAPE.sub(resolved, text)
