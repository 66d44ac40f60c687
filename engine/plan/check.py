"""From a scenario file to a checked `Plan`: the way in for everything that runs or checks one.

read (YAML) → shape (keys and kinds) → survey (ids, modules) → placing (who may stand where) →
nodes (fields, filters, references). Each step adds its problems; all are raised together.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import Problems, ScenarioError
from engine.model.durations import duration
from engine.plan.catalog import Catalog
from engine.plan.connections import read_connections, settled
from engine.plan.hints import shown
from engine.plan.inputs import check_inputs
from engine.plan.inspection import Inspection
from engine.plan.lints import lints
from engine.plan.nodes import Nodes
from engine.plan.overlap import find_overlaps
from engine.plan.placing import place_all
from engine.plan.plan import Plan
from engine.plan.read import read, read_file
from engine.plan.shape import shaped
from engine.plan.source import Source
from engine.plan.survey import LONGEST_ID, Survey


def load(path: Path, catalog: Catalog, *, connections_file: Path | None = None) -> Plan:
    """Read and check a scenario file. Raises ScenarioError with every problem that was found."""
    return _checked(read_file(path), path, catalog, connections_file)


def load_text(
    text: str, path: Path, catalog: Catalog, *, connections_file: Path | None = None
) -> Plan:
    """Check a scenario's text as if it stood in the file `path`, which need not exist."""
    return _checked(Source(str(path), text), path, catalog, connections_file)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep Python from looking for garbage: a plan makes much at once, and little of it goes.

    The reader's limits bound what is made. Looking took 40 % of the time of 200 nodes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_without_collection()
def _checked(source: Source, path: Path, catalog: Catalog, connections_file: Path | None) -> Plan:
    problems = Problems()
    document = read(source, problems)
    entries = read_connections(document, path, connections_file, catalog, problems)
    written = shaped(document, problems)
    if written is None:
        problems.raise_if_any()
        raise ScenarioError(*problems.found)
    inspection = Inspection(document, written, catalog, problems)
    _check_settings(inspection)
    _check_id(inspection)
    check_inputs(inspection)
    survey = Survey(inspection)
    place_all(inspection, survey)
    nodes = Nodes(inspection, survey, entries)
    flow = nodes.scenario()
    by_id = nodes.by_id
    ahead = find_overlaps(inspection, survey, by_id, nodes.positions)
    problems.raise_if_any()
    scenario_id = written.id or path.stem
    return Plan(
        id=scenario_id,
        name=written.name or scenario_id,
        path=path,
        source=source.text,
        settings=written.settings,
        flow=flow,
        nodes=by_id,
        positions=nodes.positions,
        ahead=ahead,
        warnings=tuple(lints(inspection, survey, by_id)),
        inputs=written.inputs,
        connections=settled(entries),
    )


def _check_settings(inspection: Inspection) -> None:
    settings, document = inspection.written.settings, inspection.document
    if settings.timezone != "UTC":
        try:
            ZoneInfo(settings.timezone)
        except (ValueError, OSError, LookupError):
            text = (
                f"there is no time zone {shown(settings.timezone)}; write one such as Europe/Rome"
            )
            place = document.value_place(("settings", "timezone"))
            inspection.report("E112", text, place)
    if isinstance(settings.retry_schedule, list):
        for index, text in enumerate(settings.retry_schedule):
            try:
                duration(text)
            except ValueError as error:
                place = document.value_place(("settings", "retry_schedule", index))
                inspection.report("E112", f"{shown(text)} {error}", place)


def _check_id(inspection: Inspection) -> None:
    given = inspection.written.id
    if given is None:
        return
    if not given.strip() or not given.isprintable() or "/" in given or len(given) > LONGEST_ID:
        text = f"{shown(given)} is no id of a scenario: printable, no `/`, {LONGEST_ID} characters"
        inspection.report("E122", text, inspection.document.value_place(("id",)))
