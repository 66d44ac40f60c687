"""The short way for texts that only read an item gives what Jinja's parser gives."""

from typing import Any

import pytest
from jinja2 import nodes

from engine.errors import ExpressionError
from engine.mapping import syntax

PATHS = [
    *("a.b", "a.b.c.d", "_a._b", "video.file.stem", "a.b.c.d.e.f.g.h.i", "a.if", "a.not.in.is"),
    *("error.type", "inputs.x", "loop.index", "now.x", "a.true", "A1.b2", "a.__class__"),
]
OTHERS = [
    *("{{ true.a }}", "{{ not.a }}", "{{ none.a }}", "{{a.b}}", "{{ a.b }} ", " {{ a.b }}"),
    *("{{ a }}", "{{ a.0 }}", "{{ a[0].b }}", "{{- a.b }}", "{{ a.b\\n }}", "{{ a. b }}"),
    *("{{ \u00e4.b }}", "{{ a.b }}{{ a.b }}", "{{ if.a }}", "{{ a.b.c.d.e.f.g.h.i.j }}"),
]


def told(node: nodes.Node) -> Any:
    """Return all that a tree says, places included."""
    fields = [value for _name, value in node.iter_fields()]
    parts = [
        [told(each) for each in value]
        if isinstance(value, list)
        else (told(value) if isinstance(value, nodes.Node) else value)
        for value in fields
    ]
    return (type(node).__name__, node.lineno, parts)


def slow(text: str) -> Any:
    """Return all nodes of a text as the parser and the checks give them, and their depth."""
    levels = list(syntax._checked_levels(syntax._LANGUAGE.parse(text)))
    return [told(node) for level in levels for node in level], len(levels) - 1


@pytest.mark.parametrize("path", PATHS)
def test_a_plain_path_has_the_tree_that_the_parser_makes(path: str) -> None:
    text = f"{{{{ {path} }}}}"

    plain = syntax._plain_path(text)

    assert plain is not None
    assert plain.everything[0] == nodes.Template(plain.body)
    assert ([told(node) for node in plain.everything], plain.depth) == slow(text)


@pytest.mark.parametrize("text", OTHERS)
def test_any_other_text_is_left_to_the_parser(text: str) -> None:
    assert syntax._plain_path(text) is None


def test_a_limit_that_the_operator_lowers_holds_for_plain_paths() -> None:
    with pytest.raises(ExpressionError) as caught:
        syntax.parse("{{ a." + "b" * 400_000 + " }}")

    assert caught.value.problem_code == "E213"
