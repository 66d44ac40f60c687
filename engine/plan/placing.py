"""Where nodes may stand, and what each one sees from there (semantics 2.3 to 2.5, 3.4)."""

from engine.model.directive import Directive
from engine.model.scenario import RouteWritten
from engine.module import Effect, Kind
from engine.plan.hints import shown
from engine.plan.inspection import Draft, Inspection, Sight
from engine.plan.plan import NodeKind
from engine.plan.read import KeyPath
from engine.plan.sight import explain
from engine.plan.survey import Survey, yields_several

_NEVER_FIRST = {
    NodeKind.ROUTER: "a router needs bundles from a node before it",
    NodeKind.ITERATOR: "an iterator needs an array from a node before it",
    NodeKind.AGGREGATOR: "an aggregator collects the bundles of nodes before it",
    NodeKind.DIRECTIVE: "a directive ends an error route",
    NodeKind.RETRY: "it stands on an error route",
    NodeKind.THROW: "it needs a bundle from a node before it",
}


def place_all(inspection: Inspection, survey: Survey) -> None:
    """Check where every node stands, and fill in `sight`, `source` and `closes` of each draft."""
    _Placing(inspection, survey).scenario()


class _Placing:
    def __init__(self, inspection: Inspection, survey: Survey) -> None:
        self._inspection = inspection
        self._survey = survey

    def scenario(self) -> None:
        self._check_first(self._survey.flow[0])
        self._flow(self._survey.flow, Sight(), is_top=True)
        self._flow(self._survey.on_error, self._sight_of_last_resort())

    def _sight_of_last_resort(self) -> Sight:
        """Return what the scenario's own error route sees: any node may have failed.

        Assumed: of the bundles only the first node's are there for certain, null if it failed.
        """
        main = [draft for top in self._survey.flow for draft in (top, *top.below())]
        seen = tuple(draft.id for draft in self._survey.flow[:1] if draft.has_bundles)
        failing = frozenset(draft.id for draft in main)
        return Sight(seen, failing=failing, on_error_route=True, route_start=len(seen))

    def _flow(self, flow: list[Draft], sight: Sight, *, is_top: bool = False) -> None:
        for index, draft in enumerate(flow):
            draft.sight = sight
            self._check_kind(draft, is_first=is_top and index == 0)
            self._check_retry(draft)
            self._check_end(draft, flow[index + 1 :])
            self._check_keys(draft)
            if draft.kind is NodeKind.AGGREGATOR and not draft.written.disabled:
                draft.source = self._source(draft)
                if draft.source is not None:
                    draft.source.closes.append(draft.id)
            self._flow(draft.on_error, self._error_sight(draft))
            for routed in draft.routes:
                self._flow(routed, sight)
            sight = _after(draft)

    def _error_sight(self, draft: Draft) -> Sight:
        covered = {draft.id}
        if draft.kind is NodeKind.ROUTER:
            covered |= {
                below.id
                for flow in draft.routes
                for node in flow
                for below in (node, *node.below())
            }
        sight = draft.sight
        return Sight(
            sight.mappable,
            sight.closed,
            sight.failing | covered,
            on_error_route=True,
            route_start=len(sight.mappable),
        )

    def _refuse(self, message: str, path: KeyPath, *, at_key: bool = False) -> None:
        document = self._inspection.document
        place = document.key_place(path) if at_key else document.value_place(path)
        self._inspection.report("E123", message, place)

    def _check_first(self, first: Draft) -> None:
        reason = _NEVER_FIRST.get(first.kind)
        may_be_first = first.flow_module is not None and first.flow_module.may_be_first
        if reason is not None and not may_be_first:
            name = shown(first.written.module)
            self._refuse(f"{name} cannot stand first: {reason}", first.key("module"))
        if first.written.filter is not None:
            text = "the first node has no filter; put it on the second"
            self._refuse(text, first.key("filter"), at_key=True)
        if first.written.disabled:
            self._refuse("the first node cannot be disabled", first.key("disabled"), at_key=True)

    def _check_kind(self, draft: Draft, *, is_first: bool) -> None:
        name = shown(draft.written.module)
        is_trigger = draft.module is not None and draft.module.kind is Kind.TRIGGER
        if is_trigger and not is_first:
            self._refuse(f"{name} is a trigger, which only stands first", draft.key("module"))
        if draft.kind is not NodeKind.DIRECTIVE or is_first:
            return
        if not draft.sight.on_error_route:
            self._refuse(f"{name} only stands at the end of an error route", draft.key("module"))
        elif draft.flow_module is not None and draft.flow_module.directive is Directive.BREAK:
            self._check_break(draft)

    def _check_break(self, draft: Draft) -> None:
        if draft.written.disabled or self._inspection.written.settings.store_incomplete_executions:
            return
        self._inspection.report(
            "E124",
            "`flow.break` stores the bundle, but the scenario stores nothing",
            self._inspection.document.value_place(draft.key("module")),
            notes=(
                "to store: `settings: {store_incomplete_executions: true}`",
                "to drop the bundle: `flow.ignore`",
            ),
        )

    def _check_retry(self, draft: Draft) -> None:
        if draft.kind is NodeKind.RETRY and not draft.sight.on_error_route:
            name = shown(draft.written.module)
            self._refuse(f"{name} only stands on an error route", draft.key("module"))

    def _check_end(self, draft: Draft, following: list[Draft]) -> None:
        if not following:
            return
        following_module = following[0].key("module")
        if draft.kind is NodeKind.ROUTER:
            text = "nothing follows a router: its routes never merge; move this node into a route"
            self._refuse(text, following_module)
        if draft.kind is NodeKind.DIRECTIVE and draft.sight.on_error_route:
            name = shown(draft.written.module)
            self._refuse(
                f"nothing follows {name}: a directive ends the error route", following_module
            )

    def _check_keys(self, draft: Draft) -> None:
        written, document = draft.written, self._inspection.document
        if written.concurrency > 1 and (reason := _one_at_a_time(draft)):
            text = f"operations of {shown(written.module)} do not overlap: {reason}"
            self._inspection.report("E125", text, document.value_place(draft.key("concurrency")))
        if draft.kind is NodeKind.ROUTER:
            self._check_routes(draft, written.routes)
        elif written.routes is not None and draft.is_known:
            self._refuse("only `flow.router` has routes", draft.key("routes"), at_key=True)

    def _check_routes(self, draft: Draft, routes: list[RouteWritten] | None) -> None:
        if routes is None:
            place = self._inspection.document.value_place(draft.key("module"))
            self._inspection.report("E111", "`flow.router` needs the key `routes`", place)
        fallbacks = [index for index, route in enumerate(routes or []) if route.fallback]
        for index in fallbacks[1:]:
            path = (*draft.key("routes"), index, "fallback")
            self._refuse("a router has one fallback route at most", path, at_key=True)

    def _source(self, draft: Draft) -> Draft | None:
        """Return the node whose bundles an aggregator collects; report if there is none.

        Assumed: an aggregator on an error route collects from nodes of that same error route.
        """
        candidates = draft.sight.mappable[draft.sight.route_start :]
        given = draft.written.fields.get("source")
        if given is None:
            return self._nearest_source(draft, candidates)
        if not isinstance(given, str) or "{{" in given:
            return None
        if given in candidates:
            return self._survey.by_id[given]
        path = (*draft.key("with"), "source")
        place = self._inspection.document.value_place(path)
        if given in draft.sight.mappable:
            text = f"{shown(given)} stands outside this error route, so it cannot be the source"
            self._inspection.report("E203", text, place)
        else:
            found = explain(given, draft, self._survey)
            self._inspection.report(found.code, found.message, place, notes=found.notes)
        return None

    def _nearest_source(self, draft: Draft, candidates: tuple[str, ...]) -> Draft | None:
        upstream = [self._survey.by_id[name] for name in reversed(candidates)]
        for node in upstream:
            if yields_several(node):
                return node
        if all(node.is_known for node in upstream):
            name = shown(draft.written.module)
            self._inspection.report(
                "E123",
                f"{name} finds no source: no node before it can yield several bundles",
                self._inspection.document.value_place(draft.key("module")),
                notes=("name one with `source`, or put a `flow.iterator` in front",),
            )
        return None


def _one_at_a_time(draft: Draft) -> str:
    """Say why a node cannot have `concurrency`; nothing if it can, or if it is unknown."""
    module = draft.module
    if draft.flow_module is not None:
        return "it does nothing that takes time"
    if module is None:
        return ""
    if module.kind is not Kind.ACTION:
        return "it hands its bundles on as they come"
    if module.acid:
        return "they are one transaction"
    if module.in_order:
        return "each depends on the one before"
    return "it only computes" if module.effect is Effect.PURE else ""


def _after(draft: Draft) -> Sight:
    """Return what the node after this one sees."""
    sight = draft.sight
    if not draft.has_bundles:
        return sight
    kept, closed = sight.mappable, sight.closed
    if draft.source is not None:
        kept = sight.mappable[: sight.mappable.index(draft.source.id)]
        closed = {**closed, **dict.fromkeys(sight.mappable[len(kept) :], draft.id)}
    return Sight((*kept, draft.id), closed, sight.failing, sight.on_error_route, sight.route_start)
