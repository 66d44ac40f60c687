"""Any expression on any data ends in a value or in our own error, and changes nothing."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_cases import compiled, world

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import Mapped, compile_text
from engine.mapping.filters import FILTERS
from engine.mapping.functions import CONSTANTS, FUNCTIONS, VARIABLES
from engine.mapping.predicates import TESTS
from engine.mapping.tokens import tokenize

BUGS = (TypeError, AttributeError, LookupError, AssertionError)
"""Causes that would mean that a function of ours did not look at its arguments."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(max_size=12)
    | st.binary(max_size=6)
    | st.datetimes(timezones=st.just(UTC))
    | st.sampled_from(["2016-06-20", "12.5", "asc", "days", "hex", "name", "YYYY", "b"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "name", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)
bundles = st.dictionaries(st.sampled_from(["a", "b", "name"]), values, max_size=3)

atoms = st.sampled_from(
    [
        "x", "x.a", "x.b", "x.a.b", "x['name']", "x.a[0]", "y", "y.name", "1", "0", "-2", "2.5",
        "'a'", "''", "'2016-06-20'", "true", "none", "[1, x.a]", "{'a': x.b}", "'hex'", "'days'",
        *VARIABLES, *CONSTANTS,
    ]
)  # fmt: skip


WORDS = ("//", "**", "==", "!=", "<=", ">=", "in", "not in", "and", "or")


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=4).map(", ".join)
    operators = st.sampled_from([*"+-*/%~<>", *WORDS])
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), arguments).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, st.sampled_from(sorted(FILTERS))).map(lambda t: f"({t[0]} | {t[1]})"),
        st.tuples(inner, st.sampled_from(sorted(FILTERS)), arguments).map(
            lambda t: f"({t[0]} | {t[1]}({t[2]}))"
        ),
        st.tuples(inner, st.sampled_from(sorted(TESTS)), arguments).map(
            lambda t: f"({t[0]} is {t[1]}({t[2]}))"
        ),
        st.tuples(inner, st.sampled_from(["upper", "length", "first", "string"])).map(
            lambda t: f"({t[0]} | map('{t[1]}'))"
        ),
        st.tuples(inner, st.sampled_from(["even", "defined", "string"])).map(
            lambda t: f"({t[0]} | select('{t[1]}'))"
        ),
        inner.map(lambda e: f"({e} | map(attribute='a.b') | list)"),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"(-{e})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]})[{t[1]}:{t[2]}]"),
        inner.map(lambda e: f"({e}).name"),
    )


expressions = st.recursive(atoms, combined, max_leaves=8)
texts = st.one_of(
    expressions.map(lambda e: "{{ " + e + " }}"),
    expressions.map(lambda e: "a {{ " + e + " }} b"),
    expressions.map(lambda e: "{% for i in " + e + " %}{{ i }}{{ loop.index }}{% endfor %}"),
    expressions.map(lambda e: "{% set v = " + e + " %}{% if v %}{{ v }}{% endif %}"),
)
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(texts, bundles, values)
def test_evaluation_ends_in_a_value_or_in_our_error_and_changes_nothing(
    text: str, x: dict[str, Any], y: Any
) -> None:
    scope = {"": world("Europe/Prague"), "x": x, "y": y}
    before = repr((x, y))
    error = failure(text, scope)
    if isinstance(error, MappingError):
        assert not isinstance(error.__cause__, BUGS), repr(error.__cause__)
        assert error.message.isprintable()
    if error is not None:
        assert 0 < len(error.message) <= 500
        assert 0 <= error.offset <= len(text)
    assert repr((x, y)) == before
    assert set(scope) == {"", "x", "y"}


def failure(text: str, scope: dict[str, Any]) -> ExpressionError | MappingError | None:
    """Compile and evaluate; return what either of the two ended in."""
    try:
        mapped = compile_text(text)
        if isinstance(mapped, Mapped):
            mapped.evaluate(scope)
    except (ExpressionError, MappingError) as error:
        return error
    return None


def calls() -> list[str]:
    """Return every function with each number of arguments, every filter and every test."""
    found = [
        f"{function.name}({', '.join('abcdef'[:count])})"
        for function in FUNCTIONS.values()
        for count in range(function.least, (function.most or function.least + 2) + 1)
    ]
    found += [f"a | {name}({', '.join('bcd'[:count])})" for name in FILTERS for count in range(3)]
    found += [f"a is {name}({', '.join('bc'[:count])})" for name in TESTS for count in range(2)]
    return [
        text for text in found if not isinstance(failure(f"{{{{ {text} }}}}", {}), ExpressionError)
    ]


@quick
@given(st.sampled_from(calls()), st.fixed_dictionaries(dict.fromkeys("abcdef", values)))
def test_a_call_with_any_arguments_ends_in_a_value_or_in_our_error(
    call: str, scope: dict[str, Any]
) -> None:
    error = failure("{{ " + call + " }}", {"": world("Europe/Prague"), **scope})
    if error is not None:
        assert isinstance(error, MappingError)
        assert not isinstance(error.__cause__, BUGS), repr(error.__cause__)


pieces = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "'", '"', "\\",
     "if", "for", "in", "set", "else", "endif", "endfor", "not", "is", "raw", "endraw", "block",
     "x", "x.y", "1", "1.5", "|", ",", ":", "=", "==", ".", " ", "\n", "\r\n", "é", "²", "\0",
     "upper", "map", "**", "~", "elif", "macro", "endmacro", "with", "call", "filter", "import"]
)  # fmt: skip


@quick
@given(st.lists(pieces, max_size=30).map("".join))
def test_any_text_compiles_or_says_where_it_does_not(text: str) -> None:
    error = failure(text, {"": world(), "x": {"y": 1}})
    if error is not None:
        assert 0 <= error.offset <= len(text)
        assert error.length >= 1
        assert error.message
    if isinstance(error, ExpressionError):
        assert error.problem_code in ("E210", "E211", "E212", "E213", "E215")


@quick
@given(st.lists(pieces, max_size=30).map("".join))
def test_tokens_stand_at_their_offsets_in_order(text: str) -> None:
    try:
        tokens = tokenize(text)
    except ExpressionError:
        return
    offsets = [offset for offset, _, _ in tokens]
    assert offsets == sorted(set(offsets))
    for offset, kind, value in tokens:
        if kind in ("data", "name"):
            assert text.startswith(value, offset)


@quick
@given(values)
def test_a_single_expression_passes_the_value_itself(value: Any) -> None:
    found = compiled(" {{ x.a }}\n").evaluate({"": world(), "x": {"a": value}})
    assert found is value


@quick
@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_formatted_date_is_read_back(moment: datetime) -> None:
    kept = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    for pattern in ("YYYY-MM-DD HH:mm:ss.SSS Z", "x", "MMM D YYYY h:mm:ss.SSS A", "GGGG-WW-E H:m"):
        text = "{{ parseDate(formatDate(d, p), p) }}"
        found = compiled(text).evaluate({"": world(), "d": kept, "p": pattern})
        expected = (
            kept if "s" in pattern or pattern == "x" else kept.replace(second=0, microsecond=0)
        )
        assert found == expected
