"""Random texts with expressions in them, and values to evaluate them on; a seed gives one of each.

A text is drawn from the whole grammar and all functions, filters and tests; or it is a text that
means something, changed at random places. `trouble` tells what is wrong with how it ended.
"""

import inspect
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from mapping_cases import world

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import Mapped, compile_filter, compile_text
from engine.mapping.evaluate import value_text
from engine.mapping.filters import FILTERS
from engine.mapping.functions import CONSTANTS, FUNCTIONS, VARIABLES
from engine.mapping.predicates import TESTS
from engine.mapping.selections import SELECTIONS
from engine.model.bundle import File

BUGS = (TypeError, AttributeError, LookupError, AssertionError)
"""Causes that would mean that a function of ours did not look at its arguments."""
CODES = ("E210", "E211", "E212", "E213", "E215")
SECONDS = 5.0
"""What one text may take of the processor before it counts as hanging; a good one takes little."""

ZONES = ("UTC", "Europe/Prague", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
PATHS = (
    "x", "x.a", "x.b", "x.k", "x.a.b", "x['name']", "x.a[0]", "x.a[-1]", "x.v.k", "y", "y.name",
    "y.a", "y[0]", "y[1].a", "f.name", "f", "i", "i.a", "loop.index", "inputs.a", "error.type",
)  # fmt: skip
CONSTANT = (
    "1", "0", "-2", "2.5", "1e300", "0x1F", "10_000", "'a'", "''", "'2016-06-20'", "'asc'",
    "'days'", "'hex'", "'YYYY-MM-DD'", "'/a|b/g'", "'UTC'", "'monday'", "'a.b'", "'é👋'", "true",
    "false", "none", "[]", "{}", "[1, x.a]", "{'a': x.b}", "(1, 2)", *VARIABLES, *CONSTANTS,
)  # fmt: skip
ATOMS = (*PATHS, *CONSTANT)
SIGNS = (
    "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">", "<=", ">=", "in", "not in",
    "and", "or",
)  # fmt: skip
PIECES = (
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "(", ")", "[", "]", "{", "}", "'", '"', "\\", "|",
    ",", ":", "=", ".", "~", "**", " ", "\n", "\r\n", "é", "²", "\0", "0", "1e", "_", "if",
    "for", "in", "set", "else", "endif", "endfor", "not", "is", "raw", "endraw", "x", "\u202e",
    "\ud800", "true", "loop", "99999999999999999999", "{%-", "-}}", "endset", "elif",
)  # fmt: skip
MEANT = (
    *(f"{{{{ {function.example} }}}}" for function in FUNCTIONS.values()),
    "{% for i in x.a if i %}{{ loop.index }}: {{ i | upper }},{% else %}none{% endfor %}",
    "{% set v = x.a %}{% if v is defined and v != '' %}{{ v }}{% elif y %}{{ y }}{% endif %}",
    "{% set v %}<{{ x.name }}>{% endset %}{{ v }}{{- v -}}",
    "Dear {{ x.name | default('you') }}, {{ formatDate(now, \"D MMM YYYY\") }}{# not this #}",
    "{% raw %}{{ x }}{% endraw %}{{ '{{' }}",
    "{{ (x.a | map('upper') | select('defined') | join(', ')) if x.a else x['b c'][0:2] }}",
    "{{ x.a | groupby('k') | map(attribute='list.0.v', default=1) | sum }}",
    "{{ 1 < x.n <= 5 and not y or x.t in ['a', \"b\"] }}",
    "{{ {'a': [1, 2.5, -3], \"b\": {'c': null}}.b['c'] ~ x[1:][::-1] }}",
)  # fmt: skip

ROOTS = sorted(
    {
        reference.root
        for text in (*MEANT, *(f"{{{{ {path} }}}}" for path in PATHS))
        if isinstance(mapped := compile_text(text), Mapped)
        for reference in mapped.references
    }
)
"""Names that a text may read."""
SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**53, -(2**63), 10**30, 2**61 - 1, 0.0, -0.5, 1e308, 5e-324,
    float("inf"), float("nan"), "", " ", "a", "b", "é", "12.5", "2016-06-20", "a,b,c", "%41%zz",
    "2016-06-20T17:26:44Z", "<b>&amp;</b>", "/a/", "\0\x1b[31m", "\ud800", "👋🏽", "asc", "0" * 40,
    "x" * 300, b"", b"\xff\x00", b"text", datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    File("a b.tar.gz", 12, "application/gzip", "0" * 64, Path("nowhere")),
)  # fmt: skip
WORD = re.compile(r"\w+")
KEYS = ("a", "b", "name", "k", "v", "1", "b c", "", "__class__", "items", "é")


class Draw:
    """Draws one text and its values from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a seed must give the same text again
        self.timezone = self._one(ZONES)
        self.text = self._text()
        words = set(WORD.findall(self.text))
        self.scope = {name: self._bundle() for name in ROOTS if name in words}

    def _one(self, options: Any) -> Any:
        return options[self._random.randrange(len(options))]

    def _chance(self, of: int) -> bool:
        return self._random.randrange(of) == 0

    def _value(self, depth: int) -> Any:
        kind = self._random.randrange(10) if depth else 0
        if kind < 4:
            return self._one(SCALARS)
        size = self._random.randrange(5)
        if kind < 7:
            return [self._value(depth - 1) for _ in range(size)]
        return {self._one(KEYS): self._value(depth - 1) for _ in range(size)}

    def _bundle(self) -> Any:
        """Return what a node gives: a collection, and once in a while anything."""
        if self._chance(5):
            return self._value(3)
        return {name: self._value(2) for name in KEYS if not self._chance(3)}

    def _text(self) -> str:
        way = self._random.randrange(12)
        if way == 0:
            return "".join(self._one(PIECES) for _ in range(self._random.randrange(30)))
        if way < 4:
            return self._changed(self._one(MEANT))
        if way == 4:
            return self._changed(self._page(2))
        return self._page(2) if way < 7 else "{{ " + self._expression(4) + " }}"

    def _changed(self, text: str) -> str:
        """Put, drop, repeat and replace pieces of a text."""
        for _ in range(self._random.randrange(4)):
            at = self._random.randrange(len(text) + 1)
            size = self._random.randrange(6)
            kept = (text[:at], text[at : at + size], text[at + size :])
            way = self._random.randrange(4)
            middle = (self._one(PIECES), "", kept[1] * 2, self._one(ATOMS))[way]
            text = kept[0] + middle + kept[2]
        return text

    def _page(self, depth: int) -> str:
        return "".join(self._part(depth) for _ in range(1 + self._random.randrange(3)))

    def _part(self, depth: int) -> str:
        way = self._random.randrange(6) if depth else self._random.randrange(2)
        if way == 0:
            return str(self._one(("text ", "\n", " é ", "}", "%")))
        if way < 3:
            return "{{ " + self._expression(2) + " }}"
        inside = self._page(depth - 1)
        if way == 3:
            return (
                f"{{% if {self._expression(2)} %}}{inside}{{% else %}}{self._part(0)}{{% endif %}}"
            )
        if way == 4:
            return f"{{% for i in {self._expression(2)} %}}{inside}{{% endfor %}}"
        return f"{{% set i = {self._expression(2)} %}}{inside}"

    def _expression(self, depth: int) -> str:
        if depth == 0 or self._chance(6):
            return str(self._one(CONSTANT if self._chance(3) else PATHS))
        return str(self._one(self._FORMS)(self, depth - 1))

    def _arguments(self, least: int, most: int, depth: int) -> str:
        count = least + self._random.randrange(most - least + 1)
        if self._chance(30):
            count += 1
        return ", ".join(self._expression(depth) for _ in range(count))

    def _called(self, depth: int) -> str:
        function = self._one(list(FUNCTIONS.values()))
        most = function.most if function.most is not None else function.least + 3
        return f"{function.name}({self._arguments(function.least, most, depth)})"

    def _filtered(self, depth: int) -> str:
        name, call = self._one(list(FILTERS.items()))
        least, most = _counts(call)
        return f"({self._expression(depth)} | {name}({self._arguments(least, most, depth)}))"

    def _piped(self, depth: int) -> str:
        function = self._one(list(FUNCTIONS.values()))
        least = max(function.least - 1, 0)
        most = function.most - 1 if function.most else least + 2
        arguments = self._arguments(least, max(most, least), depth)
        return f"({self._expression(depth)} | {function.name}({arguments}))"

    def _selected(self, depth: int) -> str:
        name = self._one(sorted(SELECTIONS))
        source = self._expression(depth)
        if name == "map":
            inner = self._one(
                ("upper", "length", "first", "replace", "default", "round", "formatDate")
            )
            if self._chance(3):
                return f"({source} | map(attribute='{self._one(('a', 'a.b', '0', 'name'))}'))"
            return f"({source} | map('{inner}', {self._expression(0)}))"
        item = [f"'{self._one(KEYS[:5])}'"] if name.endswith("attr") else []
        test, call = self._one(list(TESTS.items()))
        given = [self._expression(0)] * _counts(call)[0]
        return f"({source} | {name}({', '.join((*item, repr(test), *given))}))"

    def _tested(self, depth: int) -> str:
        name, call = self._one(list(TESTS.items()))
        least, most = _counts(call)
        word = self._one(("is", "is not"))
        return f"({self._expression(depth)} {word} {name}({self._arguments(least, most, depth)}))"

    def _combined(self, depth: int) -> str:
        return f"({self._expression(depth)} {self._one(SIGNS)} {self._expression(depth)})"

    def _sliced(self, depth: int) -> str:
        low, high, step = (self._one(("", "0", "-1", "x.n", "2")) for _ in range(3))
        return f"({self._called(depth)})[{low}:{high}:{step}]"

    _FORMS: tuple[Callable[["Draw", int], str], ...] = (
        _called, _called, _called, _filtered, _filtered, _piped, _selected, _tested, _combined,
        _combined, _sliced,
        lambda self, _depth: f"{self._one(PATHS)}.{self._one(('a', 'name', '__class__'))}",
        lambda self, depth: f"{self._one(PATHS)}[{self._expression(depth)}]",
        lambda self, depth: f"{self._one(('not ', '-', '+'))}{self._expression(depth)}",
        lambda self, depth: f"[{self._arguments(0, 4, depth)}]",
        lambda self, depth: f"{{'a': {self._expression(depth)}, 'b': {self._expression(0)}}}",
        lambda self, depth: (
            f"({self._expression(depth)} if {self._expression(0)} else {self._expression(depth)})"
        ),
    )  # fmt: skip


def _counts(call: Callable[..., Any]) -> tuple[int, int]:
    """Return how many arguments after the value a filter or test takes, least and most."""
    parameters = list(inspect.signature(call).parameters.values())[1:]
    return sum(each.default is each.empty for each in parameters), len(parameters)


class _HangError(BaseException):
    """Not an Exception: nothing of ours may catch it."""


@contextmanager
def _watched() -> Iterator[None]:
    """Break off what takes more than `SECONDS` of this process's own time."""

    def hang(_signal: int, _frame: Any) -> None:
        raise _HangError

    before = signal.signal(signal.SIGVTALRM, hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def trouble(draw: Draw) -> str:
    """Compile and evaluate a text; return what is wrong with how that ended, or nothing."""
    before = repr(draw.scope)
    scope = {"": world(draw.timezone), **draw.scope}
    try:
        with _watched():
            found = _ended(draw.text, scope)
    except _HangError:
        return "it hangs"
    except Exception as error:  # any other is what this looks for
        return f"{type(error).__name__}: {error}"
    if repr(draw.scope) != before or scope.keys() != {"", *draw.scope}:
        return "it changed the values"
    return found


def _ended(text: str, scope: dict[str, Any]) -> str:
    try:
        mapped = compile_text(text)
        if isinstance(mapped, Mapped):
            value = mapped.evaluate(scope)
            if mapped.is_expression:
                compile_filter(text)
            value_text(value)
    except ExpressionError as error:
        if error.problem_code not in CODES:
            return f"the code {error.problem_code}"
        return _ill_told(error, text)
    except MappingError as error:
        cause = error.__cause__
        if isinstance(cause, BUGS):
            return f"a mistake of ours, {type(cause).__name__}: {cause}"
        return _ill_told(error, text)
    return ""


def _ill_told(error: ExpressionError | MappingError, text: str) -> str:
    message = error.message
    if not 0 < len(message) <= 500 or not message.isprintable():
        return f"the message {message!r}"
    if not 0 <= error.offset <= len(text) or error.length < 1:
        return f"the place {error.offset}, {error.length}"
    return ""
