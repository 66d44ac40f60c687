"""Where our evaluator means what Jinja means, it gives what Jinja's sandbox gives.

Expressions are drawn by the kind of their value, so that they stay where both agree; where the two
differ on purpose is pinned in `test_where_not_jinja`. What fails in one must fail in the other.
"""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment
from mapping_cases import compiled, world

from engine.errors import MappingError

JINJA = SandboxedEnvironment(keep_trailing_newline=True)

X: dict[str, Any] = {
    "n": 7,
    "m": -3,
    "big": 10**12,
    "half": 2.5,
    "t": "Hello, big World",
    "u": "the QUICK brown-fox",
    "digits": "42",
    "empty": "",
    "list": [3, 1, 2, 3],
    "words": ["b", "a", "C", "a", "B"],
    "rows": [{"k": 2, "w": "x"}, {"k": 1, "w": "Y"}, {"k": 2, "w": "z"}],
    "none": [],
    "m2": {"a": 1, "b": {"c": "deep"}},
}

Text = st.SearchStrategy[str]


def made(form: str, *parts: Text) -> Text:
    """Return a form with each `§` replaced by an expression of the kind that stands there."""

    def put(found: tuple[str, ...]) -> str:
        pieces = form.split("§")
        return "".join(piece + part for piece, part in zip(pieces, (*found, ""), strict=True))

    return st.tuples(*parts).map(put)


number: Text = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x.n", "x.m", "x.half", "x.big", "1", "0", "12", "0.25", "x.list[0]"]),
        st.sampled_from(["x.rows[1].k", "x['n']", "x.list[-1]", "x.m2.a"]),
        *(made(f"(§ {sign} §)", number, number) for sign in ("+", "-", "*", "/", "//", "%")),
        made("(-§)", number),
        made("(§ | abs)", number),
        made("(§ | round(2))", number),
        made("(§ | round(0, 'floor'))", number),
        made("(§ | int)", number),
        made("(§ | int(5))", text),
        made("(§ | float)", number),
        made("(§ | length)", text),
        made("(§ | count)", numbers),
        made("(§ | wordcount)", text),
        made("(§ | sum)", numbers),
        *(made(f"(§ | {name})", some) for name in ("first", "last", "max", "min")),
        made("(§ if § else §)", number, truth, number),
        made("(§ | default(3))", number),
    )
)
text: Text = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            ["x.t", "x.u", "x.digits", "x.empty", "'a b'", '"Żó"', "x.m2.b.c", "x.words[1]"]
        ),
        made("(§ ~ § ~ §)", text, whole, text),
        made("(§ + §)", text, text),
        made("(§ | upper)", text),
        made("(§ | lower)", text),
        made("(§ | capitalize)", text),
        made("(§ | title)", text),
        made("(§ | trim)", text),
        made("(§ | trim('Hd'))", text),
        made("(§ | replace('a', §))", text, text),
        made("(§ | replace('l', 'L', 1))", text),
        made("(§ | center(20))", text),
        made("(§ | truncate(8, true, '~', 0))", text),
        made("(§ | truncate(9))", text),
        made("(§ | indent(2, true))", text),
        made("(§ | reverse)", text),
        made("(§ | string)", whole),
        made("(§ | urlencode)", text),
        made("(§ | striptags)", text),
        made("(§ | join('-'))", texts),
        made("(§ | join)", wholes),
        made("([§, §] | first)", text, text),
        made("§[1:4]", st.sampled_from(["x.t", "x.u", "x.empty", "(x.t ~ x.u)"])),
        made("§[::-1]", st.sampled_from(["x.t", "x.digits"])),
        made("(§ if § else §)", text, truth, text),
        made("(§ or §)", text, text),
    )
)
whole: Text = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x.n", "x.m", "1", "40", "x.list[1]"]),
        *(made(f"(§ {sign} §)", whole, whole) for sign in ("+", "-", "*", "//", "%")),
        made("(§ | length)", texts),
    )
)
some: Text = st.deferred(
    lambda: st.one_of(
        st.just("x.list"),
        made("[§, §]", number, number),
        made("(§ + [§])", numbers, number),
    )
)
wholes: Text = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x.list", "x.none", "[1, 2]", "(range(4) | list)"]),
        made("[§, §]", whole, whole),
        made("(§ + §)", wholes, wholes),
        made("(§ | sort)", wholes),
        made("(§ | select('odd') | list)", wholes),
        made("(x.rows | map(attribute='k') | list)"),
    )
)
numbers: Text = st.deferred(
    lambda: st.one_of(
        wholes,
        made("[§, §, §]", number, number, number),
        made("(§ | sort(reverse=true))", numbers),
        made("(§ | reverse | list)", numbers),
        made("(§ | unique | list)", numbers),
        made("(§ | list)", numbers),
        made("(§ | reject('number') | list)", numbers),
        made("(§ | select('gt', §) | list)", numbers, number),
        made("(§ | map('abs') | list)", numbers),
        made("(§ | batch(2) | first)", numbers),
        made("(§ | slice(2) | list | first)", numbers),
    )
)
texts: Text = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x.words", "x.none", "['a', 'B']", "(x.t | list)", "(x.m2 | list)"]),
        made("[§, §]", text, text),
        made("(§ | sort)", texts),
        made("(§ | sort(case_sensitive=true))", texts),
        made("(§ | unique | list)", texts),
        made("(§ | map('upper') | list)", texts),
        made("(§ | map('replace', 'a', 'o') | list)", texts),
        made("(§ | select('lower') | list)", texts),
        made("(§ | rejectattr('w', 'defined') | list)", st.just("x.rows")).map(
            lambda e: f"({e} | map(attribute='w') | list)"
        ),
        made("(x.rows | selectattr('k', 'eq', §) | map(attribute='w') | list)", number),
        made("(x.rows | sort(attribute='w') | map(attribute='w') | list)"),
        made("(x.rows | groupby('k') | map(attribute='grouper') | map('string') | list)"),
        made("(x.m2 | dictsort | map('first') | list)"),
    )
)
truth: Text = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["true", "false"]),
        *(made(f"(§ {sign} §)", number, number) for sign in ("<", ">=", "==", "!=")),
        *(made(f"(§ {sign} §)", text, text) for sign in ("<", ">", "==", "!=", "in", "not in")),
        made("(§ < § <= §)", number, number, number),
        made("(§ in §)", number, numbers),
        made("(§ not in §)", text, texts),
        made("(not §)", truth),
        made("(§ and §)", truth, truth),
        made("(§ or §)", truth, truth),
        made("(§ is even)", whole),
        made("(§ is divisibleby(3))", whole),
        made("(§ is number)", st.one_of(number, text, texts)),
        made("(§ is string)", st.one_of(number, text, texts)),
        made("(§ is sequence)", st.one_of(texts, numbers)),
        made("(§ is upper)", text),
        made("(§ is not defined)", st.sampled_from(["x.n", "x.nothing", "x.m2.c"])),
        made("(§ is mapping)", st.sampled_from(["x.m2", "x.list", "x.n"])),
        made("(§ is eq(§))", number, number),
    )
)
shown = st.one_of(whole, text)
agreed = settings(
    deadline=None,
    derandomize=True,
    max_examples=80,
    suppress_health_check=[
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
    ],
)


class _Failed:
    """How an expression ended that gave no value."""

    def __repr__(self) -> str:
        return "an error"


FAILED = _Failed()


def ours(source: str) -> Any:
    try:
        return compiled(source).evaluate({"": world(), "x": X})
    except MappingError:
        return FAILED


def theirs(expression: str) -> Any:
    try:
        return JINJA.compile_expression(expression)(x=X)
    except Exception:  # whatever Jinja fails with
        return FAILED


def kinds(value: Any) -> Any:
    """Return a value with its types, so that 1, 1.0 and true are told apart."""
    if isinstance(value, list | tuple):
        return [kinds(each) for each in value]
    if isinstance(value, str):
        return "text", str(value)
    return type(value), value


@agreed
@given(st.one_of(number, text, numbers, texts, truth))
def test_values_come_out_as_in_jinjas_sandbox(expression: str) -> None:
    found = ours("{{ " + expression + " }}")

    assert kinds(found) == kinds(theirs(expression))


pages = st.lists(
    st.one_of(
        made("Dear {{ § }},\n", shown),
        made("{% if § %} yes {{ § }} {% else %}no{% endif %}\n", truth, shown),
        made("{% if § -%} yes {{ § }} {%- else %}no{% endif %}\n", truth, shown),
        made(
            "{% for i in § if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }}"
            "{{ ',' if not loop.last }}{% else %}none{% endfor %}\r\n",
            wholes,
        ),
        made("{% set v = § %}[{{ v }}]{# not this #}", shown),
        st.just("{% for k, v in x.m2.b | items %}{{ k }}={{ v }};{% endfor %}"),
        made("{% set b %}<{{ § }}>{% endset %}{{ b }}{% raw %}{{ x }}{% endraw %}", shown),
        made("{% if § %}a{% elif § %}b{% endif %} {{- ' c ' -}} \n d", truth, truth),
    ),
    min_size=1,
    max_size=3,
).map("".join)
"""Texts with statements, as a person would write them."""


@agreed
@given(pages)
def test_texts_come_out_as_in_jinjas_sandbox(source: str) -> None:
    found = ours(source)

    try:
        expected: Any = JINJA.from_string(source).render(x=X)
    except Exception:  # whatever Jinja fails with
        expected = FAILED
    if expected is not FAILED:
        expected = expected.replace("\r\n", "\n")  # Jinja makes all line breaks one
        found = found.replace("\r\n", "\n") if isinstance(found, str) else found
    assert found == expected
