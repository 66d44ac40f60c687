"""Attacks by size and work: each asks for far more than an evaluation may have."""

from collections.abc import Iterator
from itertools import product

from attack import Attack

SIZES = ("10**9", "999999999", "10**18", "1e9", "x.huge", "'900000000'")
"""Sizes that are too large, in forms that a check may overlook."""


def growing_operators() -> Iterator[Attack]:
    for size, left in product(
        SIZES, ("'a'", "[0]", "x.text", "x.list", "(1, 2)", "'ab' ~ 'c'", "[]")
    ):
        yield Attack(f"{{{{ {left} * {size} }}}}")
        yield Attack(f"{{{{ {size} * {left} }}}}")
        yield Attack(f"{{{{ ({left} * {size}) | length }}}}")
    large = ("x.big", "x.wide", "(x.texts | string)", "upper(x.big)", "x.texts")
    for first, second in product(large, large):
        for form in ("{0} ~ {1}", "'' ~ {0} ~ {1}", "concat('', {0}, {1})"):
            yield Attack("{{ " + form.format(first, second) + " }}")
    for first, second in product(("x.big", "x.wide"), repeat=2):
        yield Attack(f"{{{{ {first} + {second} }}}}")
        yield Attack(f"{{{{ {first} }}}}{{{{ {second} }}}}")
        yield Attack(f"a{{{{ {first} }}}}b{{{{ {second} }}}}c{{{{ {first} }}}}")
        yield Attack(f"{{% set a = {first} %}}{{% set a = a ~ {second} %}}{{{{ a }}}}")
        yield Attack(f"{{% set a %}}{{{{ {first} }}}}{{{{ {second} }}}}{{% endset %}}")
        yield Attack(f"{{% if x %}}{{{{ {first} }}}}{{{{ {second} }}}}{{% endif %}}")
    for array in ("x.long + x.long", "x.long + x.long + x.long", "(x.long + [1]) + x.long"):
        yield Attack(f"{{{{ {array} }}}}")
        yield Attack(f"{{{{ ({array}) | length }}}}")
    for count in (17, 40, 120):
        yield Attack("{{ [" + ", ".join(["x.big | upper"] * count) + "] }}")
        yield Attack("{{ [" + ", ".join(["x.wide ~ ''"] * count) + "] | length }}")
        yield Attack("{{ " + " ~ ".join(["x.big"] * count) + " }}")
        yield Attack("{{ [" + ", ".join(["x.long[1:]"] * count) + "] | length }}")
        yield Attack("{{ " + " == ".join(["x.big[1:]"] * count) + " }}")


def growing_filters() -> Iterator[Attack]:
    for size in ("10**9", "900000000", "10**18", "x.huge", "'900000000'", "1e10"):
        for filtered in (
            "'x' | center({0})",
            "'x' | indent({0})",
            "'x' | indent({0}, true)",
            "x.list | batch({0}, 0)",
            "x.list | slice({0})",
            "'x\\ny' | indent({0})",
            "x.m | tojson({0})",
            "'x' | center({0}) | length",
            "range({0})",
            "range(0, {0})",
            "range(0, {0}, 3)",
            "x.n | round({0})",
            "x.list | map('center', {0}) | list",
            "trunc(1.5, {0})",
            "formatNumber(1, {0})",
            "x.list | batch({0}, x.big)",
        ):
            written = filtered.format(size)  # a text is what `indent` puts in front
            yield Attack("{{ " + written + " }}", "data" if "indent('" in written else "error")
    for call in (
        "x.big | replace('b', 'bbbb')",
        "x.big | replace('', 'bb')",
        "x.texts | join",
        "x.texts | join(x.big)",
        "join(x.texts, ',')",
        "join(x.long, x.text * 1)",
        "join(x.long, x.big)",
        "concat(x.big, 'a', 'b', 'c')",
        "x.long | join(x.big)",
        "replace(x.big, 'b', 'bb')",
        "replace(x.big, 'b', x.big)",
        "base64(x.big)",
        "replace(x.big, '/b/g', '$&$&')",
        "replacePattern(x.big, 'b', '$&$&')",
        "replacePattern(x.big, '', 'bb')",
        "encodeURL(replace(x.big, 'b', ' '))",
        "replace(x.big, 'b', ' ') | urlencode",
        "x.wide | urlencode",
        "encodeURL(x.wide)",
        "escapeHTML(replace(x.big, 'b', '<'))",
        "replace(x.big, 'b', '<') | escape",
        "escapeMarkdown(replace(x.big, 'b', '#'))",
        "x.big | list",
        "split(x.big, '')",
        "split(x.big, 'b')",
        "x.texts | tojson",
        "x.texts | tojson(4)",
        "x | tojson",
        "x.too_long | list",
        "x.too_long | sort",
        "x.too_long | reverse",
        "x.too_long | unique",
        "x.too_long | sum",
        "x.too_long | max",
        "x.too_long | min",
        "x.too_long | join",
        "x.too_long | first",
        "x.too_long | last",
        "x.too_long | batch(2)",
        "x.too_long | slice(2)",
        "x.too_long | map('string')",
        "x.too_long | select",
        "x.too_long | groupby('a')",
        "x.too_long[1:]",
        "x.too_long + [1]",
        "sum(x.too_long)",
        "sort(x.too_long)",
        "merge(x.too_long)",
        "map(x.too_long, 'a')",
        "flatten([x.too_long])",
        "distinct(x.too_long)",
        "add(x.too_long, 1)",
        "remove(x.too_long, 1)",
        "shuffle(x.too_long)",
        "slice(x.too_long, 0)",
        "reverse(x.too_long)",
        "median(x.too_long)",
        "average(x.too_long)",
        "sortAscNum(x.too_long)",
        "sortAscString(x.too_long)",
        "dateMax(x.too_long)",
        "arrayIntersect(x.too_long, [1])",
        "keys(x.too_long)",
        "arrayDifference([1], x.too_long)",
        "toCollection(x.too_long, 'a', 'b')",
        "merge(x.long, x.long)",
        "flatten([x.long, x.long])",
        "x.texts | map('upper')",
        "x.texts | map('replace', 'y', 'yy') | list",
        "x.long | map('center', 1000)",
        "x.texts | map('list') | list",
        "x.long | map('default', 1) | map('string')",
        "x.texts | select('in', x.big) | list",
        "x.long | select('in', x.long) | list",
        "x.long | reject('in', x.long) | list",
        "x.texts | map('wordcount') | list",
        "x.texts | map('contains', 'z') | list",
        "x.texts | map('title') | list",
        "x.long | map(attribute='a', default=x.big) | map('contains', 'z') | list",
    ):
        yield Attack("{{ " + call + " }}")


def widths() -> Iterator[Attack]:
    widths = ("900000000", "99999999999", "1000000000000000000", "0900000000", "*")
    for width in widths:
        for kind in "dsfxrc":
            yield Attack(f"{{{{ '%{width}{kind}' % 1 }}}}")
            yield Attack(f"{{{{ '{{:>{width}{kind}}}'.format(1) }}}}")
            yield Attack(f"{{{{ '%.{width}{kind}' | format(1) }}}}")
            yield Attack(f"{{{{ ['%{width}{kind}'] | map('format', 1) | list }}}}")
    for digits in ("101", "10**6", "999999999", "-1", "1e300", "x.huge", "x.infinite"):
        for call in (
            "formatNumber(1, {0})",
            "formatNumber(x.huge, {0})",
            "trunc(1.5, {0})",
            "1.5 | round({0} + 500)",
            "x.n | round(10 ** 9 + {0})",
            "'a' | center({0} * 10**9)",
            "formatNumber(1.5, {0}, ',', '.')",
        ):
            yield Attack("{{ " + call.format(digits) + " }}", "data" if "-1" in digits else "error")
    for mark in ("x.big", "'-' ~ x.big", "x.texts", "upper(x.big)", "x.wide"):
        yield Attack(f"{{{{ formatNumber(1234567, 2, {mark}, '.') }}}}")
        yield Attack(f"{{{{ formatNumber(1234567, 2, ',', {mark}) }}}}")
        yield Attack(f"{{{{ formatNumber(x.huge, 2, ',', {mark}) }}}}")
        yield Attack(f"{{{{ parseNumber('1,5', {mark}) }}}}")
        yield Attack(f"{{{{ formatDate(now, {mark}) }}}}")
        yield Attack(f"{{{{ parseDate('2020', {mark}) }}}}")
        yield Attack(f"{{{{ x.text | truncate(1, true, {mark}) }}}}")
    for token in ("YYYY", "S" * 9, "DDDD", "MMMM", "dddd", "[]", "Z"):
        yield Attack("{{ formatDate(now, '" + token * 201 + "') }}")
        yield Attack("{{ parseDate('" + "1" * 150 + "x', '" + token * 40 + "') }}")
    for tokens in ("MHDms", "MD", "Hms", "dH", "MMMD", "h a", "D  H"):
        yield Attack("{{ parseDate('" + "1" * 190 + "x', '" + (tokens * 60)[:190] + "') }}")


def big_integers() -> Iterator[Attack]:
    for left, right in product(
        ("2", "10", "-3", "x.huge", "9999999999", "'10'"),
        ("(10**9)", "4096", "99999999999", "x.huge", "'5000'", "1e10"),
    ):
        yield Attack(f"{{{{ {left} ** {right} }}}}")
        yield Attack(f"{{{{ power({left}, {right}) }}}}")
        yield Attack(f"{{{{ ({left} ** {right}) % 10 }}}}")
    for call in (
        "x.huge * x.huge * x.huge",
        "prod(x.huge, x.huge, x.huge)",
        "(x.huge * x.huge) ** 2",
        "9 ** (9 ** 9)",
        "9 ** (9 ** (9 ** 9))",
        "2 ** (2 ** (2 ** (2 ** 2)))",
        "x.huge * 1.5",
        "x.huge / 3.5 * x.huge",
        "1e308 * 10",
        "1e308 + 1e308",
        "-1e308 - 1e308",
        "1e999",
        "x.infinite + 1",
        "x.infinite * 0",
        "x.infinite - x.infinite",
        "x.infinite // 2",
        "x.infinite % 2",
        "number('1e999')",
        "number('" + "9" * 5000 + "')",
        "9" * 5000,
        "x.wild + 1",
        "x.wild * 1",
        "-x.wild * 2",
        "x.wild ~ ''",
        "toString(x.wild)",
        "sum(x.wild, 1)",
        "abs(x.wild)",
        "round(x.wild)",
        "floor(x.wild)",
        "x.wild | string",
        "formatNumber(x.wild, 2)",
        "sqrt(x.wild)",
        "ln(x.wild)",
        "log(10, x.wild)",
        "average(x.wild, 1)",
        "median(x.wild, 1)",
        "max(x.wild, 1)",
        "x.wild | float * 1",
        "x.wild | round * 2",
        "x.wild | abs * 2",
        "addDays(now, x.wild)",
        "addDays(now, x.huge)",
        "addYears(now, 10**9)",
        "setYear(now, 10**12)",
        "addMonths(now, -10**9)",
        "addSeconds(now, 1e300)",
        "addHours(now, 10**18)",
        "setHour(now, 10**15)",
        "setDate(now, x.huge)",
        "addWeekDays(now, 10**12)",
        "setMonth(now, 10**9)",
        "setDay(now, 10**15)",
        "left(x.text, x.infinite)",
        "range(x.huge)",
        "range(x.wild)",
        "range(0, x.huge, x.huge - 1) | length * x.huge * x.huge * x.huge",
        "arrayElement(x.list, x.infinite)",
        "x.huge ** 0.5 ** 0.5 * 1e308 * x.huge",
        "stdevS(x.huge, 1)",
        "stdevP(x.wild, 2)",
        "x.list[x.huge] + 1",
        "0 ** -1",
        "power(0, -1)",
        "power(-8, 0.5)",
        "(-8) ** 0.5",
        "1 / 0",
        "1 // 0",
        "1 % 0",
        "div(1, 0)",
        "0.0 ** -5",
        "x.huge is divisibleby(0)",
        "1.5 is divisibleby(2)",
    ):
        yield Attack("{{ " + call + " }}")


def nested_loops() -> Iterator[Attack]:
    sources = ("range(99999)", "x.long", "x.texts", "x.big[:90000]", "range(0, 300000, 4)")
    bodies = ("", "{{ b }}", "{% set c = b %}", "{% if b %}{% endif %}", "{{ loop.index }}")
    for outer, inner, body in product(sources, sources[:3], bodies[:3]):
        yield Attack(
            f"{{% for a in {outer} %}}{{% for b in {inner} %}}{body}{{% endfor %}}{{% endfor %}}"
        )
    loops = (
        "{{% for a in {0} %}}{{% for b in {0} if false %}}{{% endfor %}}{{% endfor %}}",
        "{{% for a in {0} if {0} | length > a | length %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% set t = x.big ~ 'a' %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% if x.big == x.big[0:] %}}{{% endif %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% if 'zz' in x.big %}}{{% endif %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% if -1 in x.long %}}{{% endif %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% if x.long | sort %}}{{% endif %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{{{ switch(x.big, x.big[0:], '', 'a') }}}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% if contains(x.big, 'zz') %}}{{% endif %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% if x.big is in x.texts %}}{{% endif %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{{{ x.text }}}}{{{{ x.text }}}}{{{{ x.big[:99] }}}}{{% endfor %}}",
        "{{% for a in {0} %}}{{{{ replace(x.big, '/z/', '') | length }}}}{{% endfor %}}",
        "{{% for a in {0} %}}{{% set t %}}{{{{ x.big }}}}{{% endset %}}{{% endfor %}}",
        "{{% for a in {0} %}}{{{{ x.wide | upper | length }}}}{{% endfor %}}",
        "{{% for a in {0} recursive %}}{{{{ loop({0}) }}}}{{% endfor %}}",
        "{{% for a in {0} %}}{{{{ md5(x.big) }}}}{{% endfor %}}",
        "{{% for a in {0} %}}{{{{ [x.big] | join | length }}}}{{% endfor %}}",
        "{{{{ {0} | map('default', x.big) | select('in', x.texts) | list }}}}",
        "{{% for a in {0} %}}{{% for b in a ~ '' %}}{{% for c in {0} %}}{{% endfor %}}"
        "{{% endfor %}}{{% endfor %}}",
    )
    for loop, source in product(loops, sources):
        yield Attack(loop.format(source))
