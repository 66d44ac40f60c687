"""Attacks that want to reach Python, the machine or other files, or to change the bundle."""

from collections.abc import Iterator
from itertools import product

from attack import Attack

UNDER = (
    "__class__", "__mro__", "__bases__", "__base__", "__subclasses__", "__globals__", "__init__",
    "__dict__", "__builtins__", "__code__", "__closure__", "__func__", "__self__", "__module__",
    "__getattribute__", "__reduce_ex__", "__doc__", "__weakref__", "__import__", "__loader__",
    "__call__", "__wrapped__", "gi_frame", "f_globals", "tb_frame", "mro", "format_map", "real",
    "tzinfo", "__len__",
)  # fmt: skip
"""Names of attributes of Python's objects, none of which is an item of the bundle."""


def attribute_walks() -> Iterator[Attack]:
    owners = (
        "''",
        "'abc'",
        "[]",
        "(1)",
        "1.5",
        "true",
        "x.text",
        "x.n",
        "x.list",
        "now",
        "pi",
        "upper",
        "upper('a')",
        "[x]",
        "{}",
    )
    for owner, name in product(owners, UNDER):
        yield Attack(f"{{{{ {owner}.{name} }}}}", "data")
    for owner, name in product(("''", "x.text", "x.list", "x"), UNDER):
        yield Attack(f"{{{{ {owner}['{name}'] }}}}", "data")
        yield Attack(f"{{{{ {owner} | attr('{name}') }}}}")
        yield Attack(f"{{{{ {owner}.{name}() }}}}")
    for name in UNDER:
        yield Attack(f"{{{{ x.list | map(attribute='{name}') | list }}}}", "data")
        yield Attack(f"{{{{ x.rows | map(attribute='k.{name}.mro') | list }}}}", "data")
        yield Attack(f"{{{{ x.rows | selectattr('{name}') | list }}}}", "data")
        yield Attack(f"{{{{ x.rows | sort(attribute='{name}') }}}}", "data")
        yield Attack(f"{{{{ x.rows | groupby('{name}') }}}}", "data")
        yield Attack(f"{{{{ get(x, 'text.{name}') }}}}", "data")
        yield Attack(f"{{{{ map(x.rows, '{name}') }}}}", "data")
        yield Attack(f"{{{{ sort(x.rows, 'asc', '{name}.mro') }}}}", "data")
        yield Attack(f"{{{{ pick(x, '{name}') }}}}", "data")
        yield Attack(f"{{{{ x.list | map('attr', '{name}') }}}}")
        yield Attack(f"{{% for a in x.list %}}{{{{ a.{name} }}}}{{% endfor %}}", "data")
        yield Attack(f"{{% set a = x.text %}}{{{{ a.{name}.b }}}}", "data")
    for key in ("x.path", "x.attr", "'__cl' ~ 'ass__'", "'__class__'[:]", "upper('__class__')"):
        for owner in ("''", "x.text", "x.list", "x", "now", "1"):
            yield Attack(f"{{{{ {owner}[{key}] }}}}", "data")


GLOBALS = (
    "lipsum", "cycler", "joiner", "namespace", "dict", "self", "request", "config", "g", "session",
    "url_for", "get_flashed_messages", "caller", "varargs", "kwargs", "super", "context",
    "environment", "environ", "os", "sys", "subprocess", "secrets", "credentials", "connections",
    "open", "eval", "exec", "compile", "getattr", "setattr", "delattr", "hasattr", "vars",
    "globals", "locals", "dir", "id", "type", "object", "help", "input", "breakpoint", "memoryview",
    "print", "classmethod", "bytearray", "callable", "__import__", "__builtins__", "__name__",
    "__loader__", "Undefined", "Markup", "loop", "_", "gettext", "World", "scope", "engine",
)  # fmt: skip


def default_globals() -> Iterator[Attack]:
    for name in GLOBALS:
        yield Attack(f"{{{{ {name} }}}}")
        yield Attack(f"{{{{ {name}.__globals__ }}}}")
        yield Attack(f"{{{{ {name}('id') }}}}")
        yield Attack(f"{{{{ {name}['os'] }}}}")
        yield Attack(f"{{% set a = {name} %}}{{{{ a }}}}")
        yield Attack(f"{{{{ x.list | map('{name}') | list }}}}")
        yield Attack(f"{{{{ 'a' | {name} }}}}")
        yield Attack(f"{{% for a in {name} %}}{{{{ a }}}}{{% endfor %}}")
        yield Attack(f"{{{{ 1 is {name} }}}}")


def formats() -> Iterator[Attack]:
    patterns = (
        "{0.__class__}",
        "{0.__init__.__globals__}",
        "{0[0]}",
        "{a.__class__}",
        "{:>900000000}",
        "{!r}",
        "{0:{0}}",
        "%s",
        "%r",
        "%(a)s",
        "%c",
        "%0900000000d",
        "%*d",
        "{}" * 500,
        "{x.m}",
        "${x}",
        "#{x}",
        "<%= x %>",
        "{{ x }}",
    )
    for pattern in patterns:
        text = f"'{pattern}'"
        for owner in (text, f"({text} ~ '')", f"[{text}][0]"):
            yield Attack(f"{{{{ {owner}.format(x) }}}}")
            yield Attack(f"{{{{ {owner}.format_map(x) }}}}")
            yield Attack(f"{{{{ {owner} % x.m }}}}")
            yield Attack(f"{{{{ {owner} % 1 }}}}")
            yield Attack(f"{{{{ {owner} | format(x) }}}}")
            yield Attack(f"{{{{ {owner} | attr('format') }}}}")
        yield Attack(f"{{% set f = {text}.format %}}{{{{ f('') }}}}")
        yield Attack(f"{{% set f = {text} | attr('format') %}}{{{{ f('') }}}}")
        yield Attack(f"{{{{ [{text}] | map('format', x) | list }}}}")
        yield Attack(f"{{{{ [x.format] | map('attr', {text}) | list }}}}")
        yield Attack(f"{{{{ x.format[{text}] }}}}", "data")
        yield Attack(f"{{{{ formatDate(now, {text}) }}}}", "data")
        yield Attack(f"{{{{ formatNumber(1, 2, {text}, {text}) }}}}", "data")
        yield Attack(f"{{{{ replace('a', 'a', {text}) }}}}", "data")
    for owner in ("x.format", "x.text", "x.m", "x.list"):
        for call in ("format(x)", "format_map(x)", "__format__('>900000000')", "__mod__(x)"):
            yield Attack(f"{{{{ {owner}.{call} }}}}")


def statements() -> Iterator[Attack]:
    files = (
        "'/etc/passwd'",
        "'../../.fusion/config.yaml'",
        "'file:///etc/passwd'",
        "x.text",
        "['a', 'b']",
        "''",
        "1",
        "now",
        "x.template",
    )
    for file in files:
        yield Attack(f"{{% include {file} %}}")
        yield Attack(f"{{% include {file} ignore missing %}}")
        yield Attack(f"{{% include {file} without context %}}")
        yield Attack(f"{{% import {file} as a %}}{{{{ a.b }}}}")
        yield Attack(f"{{% import {file} as a with context %}}")
        yield Attack(f"{{% from {file} import a %}}")
        yield Attack(f"{{% from {file} import a as b with context %}}")
        yield Attack(f"{{% extends {file} %}}")
        yield Attack(f"{{% if true %}}{{% extends {file} %}}{{% endif %}}")
        yield Attack(f"{{{{ open({file}) }}}}")
        yield Attack(f"{{{{ self._TemplateReference__context.environment.get_template({file}) }}}}")
    words = (
        "block a",
        "macro a()",
        "macro a(b=x)",
        "call upper('a')",
        "call(b) upper('a')",
        "filter upper",
        "filter upper | lower",
        "autoescape false",
        "autoescape true",
        "with a = 1",
        "with",
        "trans",
        "trans a=1",
        "block a scoped",
        "block a required",
        "raw x",
        "for a in x.list recursive",
        "set a | upper",
        "set x.a",
        "set a.b",
    )
    for word in words:
        end = word.split()[0].partition("(")[0]
        yield Attack(f"{{% {word} %}}a{{% end{end} %}}")
        yield Attack(f"{{% if x %}}{{% {word} %}}a{{% end{end} %}}{{% endif %}}")
    alone = (
        "do x.list.append(1)",
        "debug",
        "break",
        "continue",
        "set x.m.a = 1",
        "set ns.a = 1",
        "set x['a'] = 1",
        "set (a, b.c) = x.list",
        "set [a] = x.list",
        "set 'a' = 1",
        "set now = 1",
        "set pi = 3",
        "set true = false",
        "set a = ",
        "set = 1",
        "pluralize",
        "for x.a in x.list",
        "for now in x.list",
        "unknown",
        "",
        "endfor x",
        "endif",
        "elif x",
        "include",
        "import",
        "from a",
        "macro",
        "call",
        "block",
    )
    for word in alone:
        yield Attack(f"{{% {word} %}}")
        yield Attack(f"{{% for i in x.list %}}{{% {word} %}}{{% endfor %}}")


METHODS = (
    "append(9)", "extend([9])", "insert(0, 9)", "pop()", "remove(1)", "clear()", "sort()",
    "reverse()", "update({'b': 2})", "setdefault('b', 2)", "popitem()", "__setitem__('a', 9)",
    "__delitem__('a')", "__iadd__([9])", "__ior__({})", "__init__()", "__setattr__('a', 9)",
    "items()", "keys()", "values()", "get('a')", "copy()",
)  # fmt: skip


def mutations() -> Iterator[Attack]:
    for owner, method in product(
        ("x", "x.list", "x.m", "x.rows", "x.rows[0]", "[]", "{}"), METHODS
    ):
        yield Attack(f"{{{{ {owner}.{method} }}}}")
    for method in METHODS:
        name = method.partition("(")[0]
        yield Attack(f"{{{{ x.list | map(attribute='{name}') }}}}", "data")
        yield Attack(f"{{% set a = x.list %}}{{{{ a.{method} }}}}")
        yield Attack(f"{{% for r in x.rows %}}{{{{ r.{method} }}}}{{% endfor %}}")
    calls = (
        "sort(x.list, 'desc')",
        "reverse(x.list)",
        "shuffle(x.list)",
        "add(x.list, 9)",
        "merge(x.list, [9])",
        "remove(x.list, 1)",
        "flatten([x.list])",
        "distinct(x.list)",
        "mergeCollections(x.m, {'a': 9})",
        "omit(x.m, 'a')",
        "pick(x.m, 'a')",
        "slice(x.list, 1)",
        "toCollection(x.rows, 'k', 'v')",
        "toArray(x.m)",
        "arrayDifference(x.list, [1])",
        "x.list | sort(reverse=true)",
        "x.list | reverse",
        "x.list | list",
        "x.m | items",
        "x.m | dictsort",
        "x.list | unique",
        "x.list | batch(2, 0)",
        "x.list | slice(2, 0)",
        "x.rows | groupby('k')",
        "x.list + [9]",
        "x.list[1:]",
        "x.list[::-1]",
        "(x.list) ~ ''",
    )
    for call in calls:
        yield Attack(f"{{{{ {call} }}}}", "data")
        yield Attack(f"{{% set x = {call} %}}{{{{ x | length }}}}", "data")
        yield Attack(f"{{% for x in [{call}] %}}{{% set x = 9 %}}{{{{ x }}}}{{% endfor %}}", "data")
