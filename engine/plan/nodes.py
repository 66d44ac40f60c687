"""Turns the drafts of a scenario into the nodes of a plan, once they stand where they may."""

from collections.abc import Mapping
from typing import Any

from engine.plan.connections import Entry, connection_of
from engine.plan.fields import compile_fields
from engine.plan.filters import compile_written
from engine.plan.inspection import Draft, Inspection
from engine.plan.plan import FieldMapping, Flow, Handler, Node, Route
from engine.plan.references import References
from engine.plan.survey import Survey


class Nodes:
    """Builds flows, innermost first; `by_id` and `positions` are complete when all are built."""

    def __init__(
        self, inspection: Inspection, survey: Survey, entries: Mapping[str, Entry]
    ) -> None:
        self._inspection = inspection
        self._entries = entries
        self._references = References(inspection, survey)
        self._survey = survey
        self._built: dict[str, Node] = {}
        self.positions: dict[str, tuple[Flow, int]] = {}

    @property
    def by_id(self) -> dict[str, Node]:
        """All nodes in document order."""
        return {name: self._built[name] for name in self._survey.by_id}

    def scenario(self) -> Flow:
        """Build everything; return the top flow."""
        last_resort: tuple[Handler, ...] = ()
        if self._survey.on_error:
            last_resort = (Handler(self._flow(self._survey.on_error, ())),)
        return self._flow(self._survey.flow, last_resort)

    def _flow(self, drafts: list[Draft], inherited: tuple[Handler, ...]) -> Flow:
        flow = tuple(self._node(draft, inherited) for draft in drafts)
        for index, node in enumerate(flow):
            self._built[node.id] = node
            self.positions[node.id] = (flow, index)
        return flow

    def _node(self, draft: Draft, inherited: tuple[Handler, ...]) -> Node:
        """Build a node and what hangs on it.

        The nodes of its error route have no handlers but their own (semantics R42, R43).
        """
        written, inspection = draft.written, self._inspection
        passing = compile_written(inspection, written.filter, draft.keys, ("filter",))
        fields = compile_fields(inspection, draft)
        self._references.constants[draft.id] = {**_defaults(draft, fields), **fields.constants}
        if passing is not None:
            self._references.check(draft, passing.leaves)
        self._references.check(draft, fields.leaves)
        own = self._flow(draft.on_error, ()) if draft.on_error else None
        handlers = inherited if own is None else (Handler(own), *inherited)
        to_routes = inherited if own is None else (Handler(own, draft.id), *inherited)
        return Node(
            id=draft.id,
            module_id=written.module,
            kind=draft.kind,
            place=inspection.document.value_place((*draft.keys, "module")),
            path=".".join(map(str, draft.keys)),
            label=written.label,
            module=draft.module() if draft.module is not None else None,
            connector=written.module.partition(".")[0],
            connection=connection_of(inspection, draft, self._entries),
            filter=passing,
            fields=fields,
            handlers=handlers,
            mappable=draft.sight.mappable,
            routes=self._routes(draft, to_routes),
            directive=draft.flow_module.directive if draft.flow_module is not None else None,
            source=draft.source.id if draft.source is not None else None,
            closes=tuple(draft.closes),
            disabled=written.disabled,
            on_error_route=draft.sight.on_error_route,
            concurrency=written.concurrency,
        )

    def _routes(self, draft: Draft, handlers: tuple[Handler, ...]) -> tuple[Route, ...]:
        return tuple(
            self._route(draft, index, handlers) for index in range(len(draft.written.routes or ()))
        )

    def _route(self, draft: Draft, index: int, handlers: tuple[Handler, ...]) -> Route:
        written = (draft.written.routes or [])[index]
        passing = compile_written(
            self._inspection, written.filter, draft.keys, ("routes", index, "filter")
        )
        if passing is not None:
            self._references.check(draft, passing.leaves)
        flow = self._flow(draft.routes[index], handlers)
        return Route(written.name, passing, written.fallback, written.disabled, flow)


def _defaults(draft: Draft, fields: FieldMapping) -> dict[str, Any]:
    """Return the values of the fields that the author left out, where they are known."""
    if draft.module is None:
        return {}
    return {
        name: field.default
        for name, field in draft.module.input.model_fields.items()
        if name not in fields.names and not field.is_required()
    }
