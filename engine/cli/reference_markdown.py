"""The reference of modules and functions as Markdown, from the code."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.cli.reference import Item, items_of

EFFECTS = {
    "pure": "computes from its fields alone",
    "read": "reads from outside",
    "write": "changes something outside",
}


def module_lines(
    module_id: str,
    kind: str,
    effect: str,
    text: str,
    fields: Mapping[str, Any],
    output: Mapping[str, Any] | None,
) -> Iterator[str]:
    """Yield the section of one module; `effect` is empty for the engine's own."""
    yield f"## {module_id}"
    yield ""
    yield f"*{kind}{f', {EFFECTS[effect]}' if effect else ''}*"
    yield ""
    yield from text.splitlines()
    yield ""
    yield from _table("Field", items_of(fields), is_output=False)
    if output is not None:
        yield from _table("Item", items_of(output), is_output=True)
    elif effect:
        yield "Which items its bundles have depends on the data."
        yield ""


def function_lines(
    families: Mapping[str, Sequence[Any]], names: Sequence[str] | None = None
) -> Iterator[str]:
    """Yield the functions of expressions by family, with an example each; `names`: only these."""
    for family, members in families.items():
        chosen = [one for one in members if names is None or one.name in names]
        if not chosen:
            continue
        yield f"## {family}"
        yield ""
        for function in chosen:
            yield f"### {function.name}"
            yield ""
            yield f"`{function.signature}`"
            yield ""
            yield function.doc
            yield ""
            yield f"For example `{function.example}`."
            yield ""


def _table(title: str, items: Sequence[Item], *, is_output: bool) -> Iterator[str]:
    if not items:
        return
    yield f"| {title} | Type | Description |"
    yield "|---|---|---|"
    yield from _rows(items, "", is_output=is_output)
    yield ""


def _rows(items: Sequence[Item], above: str, *, is_output: bool) -> Iterator[str]:
    for item in items:
        facts = [item.type]
        if item.required and not is_output:
            facts.append("required")
        if item.default is not None and not is_output:
            facts.append(f"default `{item.default}`")
        facts += item.facts
        name = f"{above}{item.name}"
        cells = (f"`{name}`", ", ".join(facts), item.description)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
        yield from _rows(item.items, f"{name}.", is_output=is_output)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
