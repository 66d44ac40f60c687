"""What the shell offers when somebody presses Tab: ids of a store, nodes, modules, functions.

Each is a click completion. Whatever goes wrong, nothing is offered and nothing is told: a shell in
which an error appears between two keys is of no use.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

from engine.cli.text import escape
from engine.cli.units import SHORT_ID

Completion: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offering(find: Callable[[click.Context, str], Iterable[tuple[str, str]]]) -> Completion:
    """Turn what finds names, each with a few words, into a completion."""

    def complete(
        context: click.Context, _parameter: click.Parameter, typed: str
    ) -> list[CompletionItem]:
        with suppress(Exception):
            return [
                CompletionItem(name, help=escape(about) or None)
                for name, about in find(context, typed)
                if name.startswith(typed) and name.isprintable()
            ]
        return []

    return complete


def command_names(
    commands: Mapping[str, str], context: click.Context, typed: str
) -> list[CompletionItem]:
    """Offer the commands of `fusion`, each with its summary, and those that connectors bring."""

    def names(_context: click.Context, _typed: str) -> Iterator[tuple[str, str]]:
        from engine.plan.catalog import Catalog

        yield from commands.items()
        found = Catalog()
        for name in found.names():
            connector = found.connector(name)
            if connector.commands:
                yield name, connector.title

    return _offering(names)(context, click.Argument(["command"]), typed)


@_offering
def run_ids(context: click.Context, typed: str) -> Iterable[tuple[str, str]]:
    """Offer the latest runs."""
    return _short(_glance(context, "glance_runs"), typed)


@_offering
def incomplete_ids(context: click.Context, typed: str) -> Iterable[tuple[str, str]]:
    """Offer the latest incomplete executions that are not resolved."""
    return _short(_glance(context, "glance_incompletes"), typed)


@_offering
def unfinished_ids(context: click.Context, typed: str) -> Iterable[tuple[str, str]]:
    """Offer the runs that did not finish."""
    return _short(_glance(context, "glance_unfinished"), typed)


@_offering
def record_ids(context: click.Context, typed: str) -> Iterable[tuple[str, str]]:
    """Offer incomplete executions that are not resolved, and the latest runs."""
    found = [*_glance(context, "glance_incompletes"), *_glance(context, "glance_runs")]
    return _short(found, typed)


@_offering
def failed_nodes(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the nodes at which incomplete executions wait."""
    return _glance(context, "glance_failed_nodes")


@_offering
def failed_types(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the types of the errors that incomplete executions wait after."""
    return _glance(context, "glance_failed_types")


@_offering
def cause_ids(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the causes of incomplete executions."""
    return _glance(context, "glance_causes")


@_offering
def scenario_ids(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the scenarios that the store knows."""
    return _glance(context, "glance_scenarios")


@_offering
def node_ids(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the nodes of the run that has been typed before, else of the latest one."""
    # Behind an option that has no value yet, click leaves arguments where they are.
    run = context.params.get("run_id") or next(iter(context.args), "")
    return _glance(context, "glance_nodes", run=run)


@_offering
def written_nodes(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the nodes of the scenario file that has been typed before."""
    from engine.plan.named import named_nodes

    file = context.params.get("scenario") or next(iter(context.args), None)
    return named_nodes(Path(file)) if file else ()


@_offering
def codes(_context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the codes of errors and warnings."""
    from engine.problem import TITLES

    return TITLES.items()


@_offering
def module_ids(context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer all modules, the engine's own and those in folders of one's own too."""
    from engine.app import Operator, catalog
    from engine.plan.flow import FLOW

    folders = tuple(map(Path, context.params.get("modules") or ()))
    found = catalog(Operator(modules=folders)).module_ids()
    return [(name, "") for name in sorted({*found, *FLOW})]


@_offering
def function_names(_context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the functions of expressions."""
    from engine.mapping.functions import FUNCTIONS

    return [(name, function.doc.partition(".")[0]) for name, function in FUNCTIONS.items()]


@_offering
def example_names(_context: click.Context, _typed: str) -> Iterable[tuple[str, str]]:
    """Offer the examples."""
    from engine.examples import examples

    return [(name, "") for name in examples()]


def _glance(context: click.Context, query: str, **parameters: str) -> list[tuple[str, str]]:
    from engine.store import place
    from engine.store.glance import glance

    named, near = context.params.get("store"), context.params.get("scenario")
    beside = near if isinstance(near, Path) else None
    return glance(place.existing(named, beside, Path.cwd()), query, **parameters)


def _short(hints: Iterable[tuple[str, str]], typed: str) -> Iterable[tuple[str, str]]:
    """Cut ids as people see them, unless more than that has been typed."""
    length = SHORT_ID if len(typed) <= SHORT_ID else None
    return [(name[:length], about) for name, about in hints]
