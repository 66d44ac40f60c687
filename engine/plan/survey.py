"""First look at all nodes of a scenario: their ids, and the modules behind them."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from engine.errors import ScenarioError
from engine.mapping.compile import RESERVED_NAMES
from engine.model.scenario import NodeWritten
from engine.plan.flow import FLOW
from engine.plan.hints import near, shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.plan import NodeKind
from engine.plan.read import KeyPath

MAX_NODES = 1_000
"""Most nodes of a scenario, those on error routes included."""

LONGEST_ID = 100

OWN_MODULES = "fusion_modules"
"""Folder in which a person's own modules lie by custom."""


class Survey:
    """Drafts of all nodes: `flow` and `on_error` as they stand, `by_id` in document order."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self.by_id: dict[str, Draft] = {}
        written = inspection.written
        self.flow = self._drafts(written.flow, ("flow",), "flow")
        self.on_error = self._drafts(written.on_error or [], ("on_error",), "on_error")

    def _drafts(self, nodes: list[NodeWritten], keys: KeyPath, prefix: str) -> list[Draft]:
        """Draft a flow and what hangs on it; the reader has limited how deep that goes."""
        return [
            self._draft(node, (*keys, index), f"{prefix}.{index + 1}")
            for index, node in enumerate(nodes)
        ]

    def _draft(self, written: NodeWritten, keys: KeyPath, place_name: str) -> Draft:
        draft = Draft(self._id(written, keys, place_name), written, keys)
        self.by_id[draft.id] = draft
        if len(self.by_id) > MAX_NODES:
            place = self._inspection.document.value_place(keys)
            text = f"the scenario has more than {MAX_NODES:,} nodes"
            self._inspection.report("E103", text, place)
            raise ScenarioError(*self._inspection.problems.found)
        self._find_module(draft)
        draft.on_error = self._drafts(
            written.on_error or [], draft.key("on_error"), f"{draft.id}.on_error"
        )
        draft.routes = [
            self._drafts(
                route.flow, (*keys, "routes", index, "flow"), f"{draft.id}.routes.{index + 1}"
            )
            for index, route in enumerate(written.routes or [])
        ]
        return draft

    def _id(self, written: NodeWritten, keys: KeyPath, place_name: str) -> str:
        """Return the node's id; one that cannot be used is reported and replaced."""
        if written.id is None:
            return place_name
        place = self._inspection.document.value_place((*keys, "id"))
        if not written.id.isidentifier() or len(written.id) > LONGEST_ID:
            text = f"{shown(written.id)} is no identifier: letters, digits and `_`, no digit first"
            self._inspection.report("E122", text, place)
            return place_name
        if written.id in RESERVED_NAMES:
            text = f"{shown(written.id)} has a meaning in expressions; take another id"
            self._inspection.report("E121", text, place)
            return place_name
        if written.id in self.by_id:
            first = self._inspection.document.value_place((*self.by_id[written.id].keys, "id"))
            text = f"the id {shown(written.id)} is taken by the node at line {first.line}"
            self._inspection.report("E121", text, place)
            return place_name
        return written.id

    def _find_module(self, draft: Draft) -> None:
        module_id = draft.written.module
        draft.flow_module = FLOW.get(module_id)
        if draft.flow_module is not None:
            draft.kind = draft.flow_module.kind
            return
        try:
            draft.module = self._inspection.catalog.module(module_id)
        except KeyError:
            self._report_unknown(draft, module_id)
        except ScenarioError as error:
            for problem in error.problems:
                self._inspection.problems.add(problem)

    def _own_modules(self) -> Iterator[str]:
        """Yield a note on a folder of modules beside the scenario, which nobody has named."""
        folder = Path(self._inspection.document.source.file).parent / OWN_MODULES
        if folder.is_dir() and folder.resolve() not in self._inspection.catalog.folders:
            yield f"code beside a scenario runs if it is named: --modules {quote(str(folder))}"

    def _report_unknown(self, draft: Draft, module_id: str) -> None:
        catalog = self._inspection.catalog
        connector = module_id.partition(".")[0]
        meant = near(module_id, [*catalog.module_ids(), *FLOW])
        hint = f"; did you mean {shown(meant)}?" if meant else ""
        notes: tuple[str, ...] = ()
        if not meant and connector not in (*catalog.names(), "flow"):
            notes = (f"connectors: {', '.join(['flow', *catalog.names()])}", *self._own_modules())
        self._inspection.report(
            "E120",
            f"there is no module {shown(module_id)}{hint}",
            self._inspection.document.value_place(draft.key("module")),
            notes=notes,
            next_command="fusion modules",
        )


def yields_several(draft: Draft) -> bool:
    """Tell whether one operation of a node can yield several bundles."""
    if draft.kind is NodeKind.AGGREGATOR:
        return draft.written.fields.get("group_by") not in (None, "")
    return draft.kind is NodeKind.ITERATOR or (
        draft.module is not None and draft.module.kind != "action"
    )
