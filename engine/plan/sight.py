"""Why a name cannot be mapped from where a node stands, in words and with what could be meant."""

from dataclasses import dataclass

from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Draft, Sight
from engine.plan.plan import NodeKind
from engine.plan.survey import Survey

ALWAYS = ("inputs", "scenario")
"""Names that every expression knows."""


@dataclass(frozen=True, slots=True)
class Explanation:
    code: str
    message: str
    notes: tuple[str, ...] = ()
    next_command: str = ""


def explain(name: str, here: Draft, survey: Survey) -> Explanation:
    """Say why the node `here` cannot map `name`; call it only for a name that it cannot."""
    sight = here.sight
    ids = _given_ids(sight, survey)
    before = f"nodes before this one: {listed(ids)}"
    if name in sight.closed:
        aggregator = sight.closed[name]
        text = f"{shown(name)} is closed by the aggregator {shown(aggregator)}"
        return Explanation("E204", text, (f"map what {shown(aggregator)} emits", before))
    if name in sight.failing:
        text = f"{shown(name)} failed here; of it only {shown(name + '.error')} can be mapped"
        return Explanation("E203", text, (before,))
    if name == "error":
        return Explanation("E203", "`error` can be mapped on error routes only", (before,))
    draft = survey.by_id.get(name)
    if draft is not None:
        return Explanation("E203", _elsewhere(draft, here), (before,))
    options = [*ids, *ALWAYS, *(["error"] if sight.on_error_route else [])]
    text = f"there is no node {shown(name)}{did_you_mean(name, options)}"
    return Explanation("E202", text, (before,))


def _given_ids(sight: Sight, survey: Survey) -> list[str]:
    """Return the mappable ids that can be written in an expression."""
    return [name for name in sight.mappable if survey.by_id[name].written.id == name]


def _elsewhere(draft: Draft, here: Draft) -> str:
    name = shown(draft.id)
    if draft is here:
        return f"{name} has no bundle yet while its own fields are mapped"
    if draft.kind is NodeKind.ROUTER:
        return f"{name} is a router and has no items of its own; map a node before it"
    if draft.kind is NodeKind.DIRECTIVE:
        return f"{name} is a directive and has no items"
    if draft.kind in (NodeKind.RETRY, NodeKind.THROW):
        return f"{name} has no items"
    if draft.written.disabled:
        return f"{name} is disabled, so there is no bundle of it"
    return f"{name} stands {_where(draft, here)}"


def _where(draft: Draft, here: Draft) -> str:
    own_flow, own_index = here.keys[:-1], here.keys[-1]
    beside = draft.keys[: len(own_flow)] == own_flow
    if "on_error" in draft.keys[len(own_flow) if beside else 0 :]:
        return "on an error route"
    if beside and str(draft.keys[len(own_flow)]).zfill(5) > str(own_index).zfill(5):
        return "further down"
    return "on another route"
