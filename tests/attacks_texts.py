"""Attacks by texts that are deep, long or wrong, and by what bundles and patterns hold."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attack import Attack

from engine.mapping.filters import FILTERS
from engine.mapping.functions import FUNCTIONS

LONG = (
    "{{ '" + "a" * 70_000 + "' }}",
    "{{ " + "a" * 70_000 + " }}",
    "{{ " + "9" * 60_000 + " }}",
    "{{ 1" + "_1" * 30_000 + "x }}",
    "{{ " + "1" * 60_000 + "e }}",
    "{%" + " " * 60_000 + "raw x",
    "{% raw %}" + "{% endraw" * 7_000,
    "{{ " + " " * 60_000,
    "{{ " + "upper(" * 41 + "}}",
)
"""Texts that are long in one way or another."""


def deep_texts() -> Iterator[Attack]:
    yield from _deep_expressions()
    yield from _deep_statements()
    for text in LONG:
        yield Attack(text)


def _deep_expressions() -> Iterator[Attack]:
    for count in (41, 300, 2_000, 20_000):
        for opening, closing in (
            ("(", ")"),
            ("[", "]"),
            ("{'a':", "}"),
            ("upper(", ")"),
            ("x[", "]"),
        ):
            yield Attack("{{ " + opening * count + "1" + closing * count + " }}")
            yield Attack("{{ " + opening * count)
        yield Attack("{{ " + "(" * count + ")" * count + " }}")
        yield Attack("{{ 1 " + ")" * count + " }}")
    for count in (200, 900, 1_900):
        for word in ("not ", "-", "+", "- -", "not -"):
            yield Attack("{{ " + word * count + "x }}")
        for tail in (
            ".a",
            "|upper",
            "[0]",
            "[0:1]",
            " + 1",
            " ~ 1",
            " ** 1",
            " * 1",
            "('a')",
            " if x else 1",
            " is defined",
            " is not none",
            "['a']",
            " // 1",
            ".a()",
        ):
            yield Attack(
                "{{ x" + tail * count + " }}", "data" if "~" in tail or "is" in tail else "error"
            )


def _deep_statements() -> Iterator[Attack]:
    for word, end in (
        ("if x", "endif"),
        ("for a in x", "endfor"),
        ("set a", "endset"),
        ("if x %}{% else", "endif"),
        ("for a in x %}{% else", "endfor"),
    ):
        for count in (150, 300, 500):
            yield Attack(f"{{% {word} %}}" * count + f"{{% {end} %}}" * count)
            yield Attack(f"{{% {word} %}}" * count)
    for count in (2_000, 16_000, 30_000):
        for piece in (
            "{{",
            "{%",
            "{#",
            "{{ ",
            "{% raw %}",
            "{{}}",
            "{%%}",
            "{{ 1 }}",
            "{{ x,",
            "{{'",
            "{{-",
        ):
            yield Attack(piece * count)


HOSTILE = (
    "[" * 100_000, "{" * 100_000, "(" * 100_000, '{"a":' * 20_000, "9**9**9", "9" * 5_000, "00712",
    "1e999", "0x10", "True", "None", "null", "[1, 2", "!!python/object/apply:os.system [id]",
    "__import__('os').system('id')", "{{ 7 * 7 }}", "{% for i in range(9) %}a{% endfor %}",
    "{# a #}", "{{ x.secrets }}", "{0.__class__}", "%(a)s", "%n%n%n", "${7*7}", "#{7*7}",
    "<%= 7*7 %>", "$(id)", "`id`", "; rm -rf /", "../../etc/passwd", "<script>alert(1)</script>",
    "&lt;b&gt;", "\x1b[2J\x1b[31m", "\x00", "\u202eabc", "\ud800", "\ufeff", "a\r\nSet-Cookie: b",
    "2016-06-20", "erase", "ignore", "/(a+)+$/", "$1$&", "\\u0000", "&" * 50_000, "<" * 50_000,
)  # fmt: skip
"""Texts that would do harm if anything read them again."""


def retyped_data() -> Iterator[Attack]:
    for text in HOSTILE:
        yield Attack("{{ y }}", "value", text)
        yield Attack(" {{ y }}\n", "value", text)
        yield Attack("{{ [y][0] }}", "value", text)
        yield Attack("{{ {'a': y}.a }}", "value", text)
        yield Attack("{{ y if true else 1 }}", "value", text)
        yield Attack("{{ if(true, y, 1) }}", "value", text)
        yield Attack("{{ ifempty(y, 1) }}", "value", text)
        yield Attack("{{ y | default('b') }}", "value", text)
        yield Attack("{{ y ~ '' }}", "value", text)
        yield Attack("{{ toString(y) }}", "value", text)
        yield Attack("{% set a = y %}{{ a }}", "value", text)
        yield Attack("{% for a in [y] %}{{ a }}{% endfor %}", "value", text)
        yield Attack("{{ y }}{{ '' }}", "value", text)
        yield Attack("{{ [y] | join }}", "value", text)


def deep_value(levels: int, inner: Any, wrap: Callable[[Any], Any]) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


HOSTILE_VALUES: Mapping[str, Callable[[], Any]] = {
    "deep arrays": lambda: deep_value(5_000, [], lambda each: [each]),
    "deep collections": lambda: deep_value(5_000, {}, lambda each: {"a": each}),
    "colliding numbers": lambda: [at * (2**61 - 1) for at in range(20_000)],
    "many rows": lambda: [{"a": at, "b": str(at)} for at in range(90_000)],
    "many dates": lambda: ["06/20/2016 5:26 PM"] * 90_000,
    "accents": lambda: "\u1ed7\U0001f44b" * 450_000,
    "marks": lambda: "a" + "\u0301\u0316" * 450_000,
    "tags": lambda: "<a>&lt;&#1" * 90_000,
    "escapes": lambda: "%C3%A9a%" * 110_000,
    "words": lambda: "\u017c\u00f3 " * 300_000,
    "not numbers": lambda: [float("nan"), float("inf"), -0.0, 10**4_000] * 1_000,
    "mixed": lambda: [None, True, 1, "a", b"a", [1], {"a": 1}] * 10_000,
}
"""Values that make work: by name, and how each is made."""


def hostile_values() -> Iterator[Attack]:
    for name in HOSTILE_VALUES:
        for function in FUNCTIONS.values():
            for arguments in (
                ["y"] * max(function.least, 1),
                ["y", *["'a'"] * 9][: function.least],
            ):
                if arguments and function.name != "range":
                    yield Attack(f"{{{{ {function.name}({', '.join(arguments)}) }}}}", "data", name)
        for filtered in FILTERS:
            yield Attack(f"{{{{ y | {filtered} }}}}", "data", name)
        for text in (
            "{{ y == z }}",
            "{{ y in z }}",
            "a{{ y }}",
            "{{ y | select('in', z) | list }}",
            "{{ y | map('string') | list }}",
            "{{ y | groupby('a') }}",
            "{{ map(y, y) }}",
            "{{ y | map(attribute='a.a') | unique }}",
            "{{ sort(y, 'asc', 'a') }}",
            "{{ y | sort | unique | reverse | list }}",
            "{{ distinct(distinct(y)) }}",
            "{{ y | title | upper | lower | capitalize }}",
        ):
            yield Attack(text, "data", name)


PATTERNS = (
    "(a+)+$", "(a|aa)+$", "(a*)*b", "([a-z]+)*=", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*)*$", "(a{1,100}){1,100}b", "(((a{50}){50}){50}){50}", "a{1000}{1000}", "(?:a|b|ab)*c",
    "(\\w+\\s?)*$", "(.*?,){30}P", "a.*b.*c.*d", "a.*b|a", "[\\s\\S]*[\\s\\S]*x", "(?=a)b",
    "(?<!a)b", "(a)\\1", "\\k<n>", "(?P<n>a)(?P=n)", "(?>a+)b", "a++b", "[", "(", "(?", "*",
    "a{99999}", "\\p{L}+\\P{L}*$", "[^]*", "[]", "\\u{110000}", "\\xZZ", "(?i:a)",
    "(?:" * 200 + ")" * 200, "a|" * 400 + "b", "(" * 400, "[a-z]{1,900}x", "b*b*b*b*b*b*c",
    "$", "^", "",
    "b?" * 300 + "b" * 300,
)  # fmt: skip
"""Regular expressions on which engines hang, or that are none."""


def patterns() -> Iterator[Attack]:
    for pattern in PATTERNS:
        literal = "'" + pattern.replace("\\", "\\\\").replace("'", "\\'") + "'"
        written = "'/" + pattern.replace("\\", "\\\\") + "/g'"
        for text in ("x.big", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'", "x.wide"):
            yield Attack(f"{{{{ replacePattern({text}, {literal}, '') }}}}", "data")
            yield Attack(f"{{{{ replace({text}, {written}, '$&') }}}}", "data")
        yield Attack("{{ replacePattern(x.big, y, '') | length }}", "pattern", pattern)
        yield Attack("{{ replace(x.big, '/' ~ y ~ '/gi', 'b') | length }}", "pattern", pattern)
        yield Attack(
            "{% for i in range(50) %}{{ replacePattern(x.big, y, '') | length }}{% endfor %}",
            "pattern",
            pattern,
        )
        yield Attack(
            "{{ x.texts | map('replacePattern', y, '') | list | length }}", "pattern", pattern
        )
