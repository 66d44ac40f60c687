"""`fusion modules`: which modules there are, and one of them as a reference page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import typed
from engine.cli.completing import module_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output, Span, Tone
from engine.cli.reference import Item, items_of
from engine.cli.reference_markdown import EFFECTS, module_lines
from engine.cli.show import show
from engine.cli.tables import Column, table
from engine.cli.text import escape, wrap
from engine.errors import EngineError, NotFoundError

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.plan.catalog import Catalog

COLUMNS = (
    Column("module"),
    Column("kind"),
    Column("effect"),
    Column("what it does", gives_way=True),
)

OWN = "flow"
"""Prefix of the engine's own modules."""


@dataclass(frozen=True, slots=True)
class Described:
    """One module; `output` None: its items depend on the data. `effect` is empty for our own."""

    id: str
    kind: str
    effect: str
    text: str
    fields: dict[str, Any]
    output: dict[str, Any] | None

    @property
    def summary(self) -> str:
        return self.text.partition("\n")[0]

    def has(self, word: str) -> bool:
        """Tell whether a word stands in its id, its text, or what its fields are called."""
        names = (self.fields.get("properties") or {}).keys()
        return any(word in text.lower() for text in (self.id, self.text, *names))


@click.command(epilog="Example: fusion modules files.watch_folder")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=module_ids)
@operator("modules")
@click.option("--markdown", is_flag=True, help="Write the reference of these as Markdown.")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, name: str | None, markdown: bool) -> None:
    """List modules, or show one with its fields.

    NAME is a module, a connector, or a word to look for in names and descriptions; without it, all
    modules are listed.
    """
    from engine.app import catalog

    known = catalog(operator)
    if name is not None and "." in name:
        modules, is_one = [_found(known, name)], True
    else:
        modules, is_one = _chosen(output, known, name), False
    if markdown:
        _write_markdown(output, modules)
    elif is_one:
        _page(output, modules[0])
    else:
        _list(output, modules)


def _chosen(output: Output, known: "Catalog", name: str | None) -> list[Described]:
    """Return all modules, those of a connector, or those in which a word stands."""
    connectors = [OWN, *known.names()]
    wanted = [name] if name in connectors else connectors
    modules = [module for each in wanted for module in _of_connector(output, known, each)]
    if name is not None and name not in connectors:
        modules = [module for module in modules if module.has(name.lower())]
        if not modules:
            raise not_found(known, name)
    return modules


def _write_markdown(output: Output, modules: Sequence[Described]) -> None:
    if len(modules) > 1:
        output.result("# Modules")
        output.result()
    for one in modules:
        lines = module_lines(one.id, one.kind, one.effect, one.text, one.fields, one.output)
        for line in lines:
            output.result(line)


def _list(output: Output, modules: Sequence[Described]) -> None:
    if output.as_json:
        output.document({"modules": [_brief(module) for module in modules]})
        return
    rows = [(module.id, module.kind, module.effect, module.summary) for module in modules]
    for line in table(COLUMNS, rows, output.width):
        output.result(line)
    if modules:
        output.tell(f"next: {typed('modules', modules[-1].id)}")


def _of_connector(output: Output, known: "Catalog", name: str) -> Iterator[Described]:
    """Yield a connector's modules; one that does not load is told, and the others are listed.

    Those that the engine itself carries out under the connector's name come first.
    """
    yield from (module for module in _own().values() if module.id.startswith(f"{name}."))
    if name == OWN:
        return
    try:
        ids = [f"{name}.{short_name}" for short_name in known.connector(name).modules]
    except EngineError as error:
        show(output, error.problems)
        return
    for module_id in ids:
        try:
            yield _described(known, module_id)
        except EngineError as error:
            show(output, error.problems)


def _found(known: "Catalog", module_id: str) -> Described:
    own = _own()
    if module_id in own:
        return own[module_id]
    try:
        return _described(known, module_id)
    except KeyError:
        raise not_found(known, module_id) from None


def not_found(known: "Catalog", name: str) -> NotFoundError:
    """Return the error for a name that is no module or connector, with what was meant."""
    meant = known.near_module(name, [*_own(), *known.names(), OWN])
    hint = f"; did you mean `{meant}`?" if meant else ""
    return NotFoundError(
        f"no module or connector is called `{name}`{hint}",
        next_command=typed("modules", meant) if meant else typed("modules"),
    )


def _own() -> dict[str, Described]:
    from engine.plan.reference import describe_flow

    return {
        one["id"]: Described(
            one["id"], one["kind"], "", one["summary"], one["fields"], one["output"]
        )
        for one in describe_flow()
    }


def _described(known: "Catalog", module_id: str) -> Described:
    from inspect import getdoc

    from engine.plan.reference import json_schema

    module = known.module(module_id)
    return Described(
        module_id,
        module.kind.value,
        module.effect.value,
        getdoc(module) or "",
        json_schema(module.input),
        None if module.output is None else json_schema(module.output),
    )


def _brief(module: Described) -> dict[str, Any]:
    return {
        "id": module.id,
        "kind": module.kind,
        "effect": module.effect or None,
        "summary": module.summary,
    }


def _page(output: Output, module: Described) -> None:
    if output.as_json:
        more = {"description": module.text, "fields": module.fields, "output": module.output}
        output.document({"module": {**_brief(module), **more}})
        return
    for line in _page_lines(module, output.width):
        output.result(line)


def _page_lines(module: Described, width: int | None) -> Iterator[Line]:
    effect = f", {EFFECTS[module.effect]}" if module.effect else ""
    yield (Span(module.id, Tone.STRONG), Span(f"  {module.kind}{effect}"))
    yield from module.text.splitlines()
    fields = items_of(module.fields)
    yield ""
    any_names = module.fields.get("additionalProperties") is True
    yield (Span("fields" if fields or any_names else "no fields", Tone.STRONG),)
    if any_names:
        yield "  any name  any"
    yield from _items(fields, "  ", width, output=False)
    if module.output is not None:
        yield ""
        yield (Span("output", Tone.STRONG),)
        yield from _items(items_of(module.output), "  ", width, output=True)
    elif module.effect:
        yield ""
        yield (Span("output", Tone.STRONG), Span("  depends on the data"))


def _items(
    items: Sequence[Item], indent: str, width: int | None, *, output: bool
) -> Iterator[Line]:
    for item in items:
        facts = [item.type]
        if item.required and not output:
            facts.append("required")
        if item.default is not None and not output:
            facts.append(f"default {item.default}")
        facts.extend(item.facts)
        yield (Span(indent), Span(item.name, Tone.STRONG), Span(f"  {', '.join(facts)}"))
        if item.description:
            room = None if width is None else width - len(indent) - 4
            for line in wrap(escape(item.description), room):
                yield f"{indent}    {line}"
        yield from _items(item.items, indent + "    ", width, output=output)
