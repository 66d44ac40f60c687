"""From a text to a checked tree: Jinja's parser behind our tokens, our limits, our allow list.

The only file that touches Jinja's inner workings, and these are all: `Environment.lexer` is
replaced, `handle_exception` is silenced, and the place of a token's line number carries its
character offset, so that every node's `lineno` is an offset. Nothing is ever rendered, optimized or
generated. Called by `engine.mapping.compile`; the tree goes to `engine.mapping.expressions`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, Token, TokenStream
from jinja2.parser import Parser

from engine.errors import ExpressionError
from engine.mapping.coercion import escaped
from engine.mapping.limits import DEPTH_LIMIT, in_force
from engine.mapping.tokens import tokenize

EXPRESSIONS: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice,
        nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword,
        nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow,
        nodes.Neg, nodes.Pos, nodes.Not, nodes.And, nodes.Or, nodes.Concat,
        nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Call, nodes.Filter, nodes.Test,
    }
)  # fmt: skip
"""Every kind of node that an expression may hold."""

STATEMENTS: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Template, nodes.Output, nodes.TemplateData,
        nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock,
    }
)  # fmt: skip
"""Every kind of node that a text may hold around its expressions."""

ALLOWED = EXPRESSIONS | STATEMENTS

STATEMENT_WORDS: dict[type[nodes.Node], str] = {
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.FromImport: "from",
    nodes.Scope: "autoescape",
}
"""The word of a statement, where it is not the name of its class in lower case."""

TOKEN_WORDS = (
    ("end of print statement", "}}"),
    ("begin of print statement", "{{"),
    ("end of statement block", "%}"),
    ("begin of statement block", "{%"),
    ("template data / text", "text"),
    ("end of template", "the end"),
)
"""Jinja's words for tokens in its messages, and what a person wrote."""

CONFUSED = {
    "=": "write `==` to compare",
    ";": "separate arguments with a comma",
}
"""What Fusion writes at a place where Jinja stops, and what to write here."""

_UNBALANCED = (
    (r"Unexpected end of template\..* is '(\w+)'", r"`{% \1 %}` has no end `{% end\1 %}`"),
    (
        r"Encountered unknown tag '(\w+)'\..* is '(\w+)'",
        r"`\1` stands inside of `\2`, which ends with `{% end\2 %}`",
    ),
    (r"Encountered unknown tag '(el\w+)'", r"there is no `{% if %}` that `\1` could belong to"),
    (r"Encountered unknown tag 'end(\w+)'", r"there is no `{% \1 %}` that this could end"),
    (r"Encountered unknown tag '(\w+)'", r"there is no statement `\1`"),
)
"""What Jinja says of statements that do not pair up, and what a person would; the first fits."""

_PLAIN_PATH = re.compile(r"\{\{ ([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*){1,8}) \}\}")
_WORDS = frozenset(
    ("true", "false", "none", "True", "False", "None", "and", "or", "not", "is", "in", "if", "else")
)
"""Names that begin an expression of another kind."""


class _OffsetLexer(Lexer):
    """Feeds the parser with our tokens, each with its offset in the place of its line."""

    def tokenize(
        self,
        source: str,
        name: str | None = None,
        filename: str | None = None,
        state: str | None = None,
    ) -> TokenStream:
        tokens = (Token(offset, kind, value) for offset, kind, value in tokenize(source))
        return TokenStream(tokens, name, filename)


class _Language(Environment):
    """Jinja's syntax without extensions, loaders or globals."""

    def __init__(self) -> None:
        super().__init__(optimized=False)
        self._offset_lexer = _OffsetLexer(self)

    @property
    def lexer(self) -> Lexer:
        return self._offset_lexer

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse without a second walk that hands this environment to every node: none asks."""
        parser = Parser(self, source, name, filename)
        return nodes.Template(parser.subparse(), lineno=1)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """Let the parser's error through; there is no template file to rewrite a traceback for."""
        raise  # noqa: PLE0704 - called inside the parser's `except`


_LANGUAGE = _Language()


class Parsed(NamedTuple):
    """A text's statements, all nodes in them, and how many levels these have."""

    body: list[nodes.Node]
    everything: list[nodes.Node]
    depth: int


def parse(text: str) -> Parsed:
    """Return the tree of a text, checked against limits and the allow list.

    Every node's `lineno` is the offset of its first token: the name of a filter, the dot of an
    access, the left operand of an operator. Raises ExpressionError (E210, E211, E213).
    """
    if (plain := _plain_path(text)) is not None:
        return plain
    try:
        tree = _LANGUAGE.parse(text)
    except TemplateSyntaxError as error:
        raise _syntax_error(text, error) from None
    except RecursionError:
        raise ExpressionError("E213", "the expression is nested too deep") from None
    levels = list(_checked_levels(tree))
    return Parsed(tree.body, [node for level in levels for node in level], len(levels) - 1)


def _plain_path(text: str) -> Parsed | None:
    """Return the tree of `{{ node.item }}` as Jinja's parser makes it; None for any other text.

    Most texts of most scenarios are no more than this, which passes all checks.
    """
    found = _PLAIN_PATH.fullmatch(text)
    limits = in_force()
    if found is None or found[1] in _WORDS or len(text) > limits.source:
        return None
    names = found[2][1:].split(".")
    if 2 * len(names) + 3 >= limits.tokens:
        return None
    node: nodes.Expr = nodes.Name(found[1], "load", lineno=found.start(1))
    inner: list[nodes.Node] = [node]
    at = found.start(2)
    for name in names:
        node = nodes.Getattr(node, name, "load", lineno=at)
        inner.append(node)
        at += len(name) + 1
    output = nodes.Output([node], lineno=node.lineno)
    tree = nodes.Template([output], lineno=1)
    return Parsed(tree.body, [tree, output, *reversed(inner)], len(inner) + 1)


def _syntax_error(text: str, error: TemplateSyntaxError) -> ExpressionError:
    offset = min(error.lineno, max(len(text) - 1, 0))
    message = error.message or "the expression cannot be read"
    for pattern, ours in _UNBALANCED:
        found = re.match(pattern, message)
        if found is not None:
            message = found.expand(ours)
            break
    for theirs, ours in TOKEN_WORDS:
        message = message.replace(theirs, ours)
    message = message.replace("'", "`").rstrip(".")
    word = re.compile(r"\w+|\}\}|%\}|\W").match(text, offset)
    hint = CONFUSED.get(text[offset : offset + 1])
    return ExpressionError(
        "E210",
        escaped(message[:1].lower() + message[1:], 400),
        offset=offset,
        length=len(word.group()) if word else 1,
        notes=(hint,) if hint else (),
    )


def _checked_levels(tree: nodes.Template) -> Iterator[list[nodes.Node]]:
    """Check depth and kinds level by level, so that a deep tree cannot exhaust the stack."""
    level: list[nodes.Node] = [tree]
    for _ in range(DEPTH_LIMIT):
        for node in level:
            if type(node) not in ALLOWED:
                raise _not_allowed(node)
        yield level
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    message = f"the expression is deeper than {DEPTH_LIMIT} levels"
    raise ExpressionError("E213", message, offset=level[0].lineno or 0)


def _not_allowed(node: nodes.Node) -> ExpressionError:
    if isinstance(node, nodes.NSRef):
        message = f"only names can be set, not items of `{escaped(node.name)}`"
        return ExpressionError("E211", message, offset=node.lineno, length=len(node.name))
    word = STATEMENT_WORDS.get(type(node), type(node).__name__.lower())
    return ExpressionError(
        "E211",
        f"`{word}` is not available in mappings",
        offset=node.lineno or 0,
        length=len(word),
        notes=("statements in texts: if, for, set",),
    )
