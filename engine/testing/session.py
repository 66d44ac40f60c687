"""Plays the tests of files, one after another, and adds up what they took."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from engine.app import Operator, catalog, clock, load_plan
from engine.errors import EngineError, Place, Problem
from engine.plan.plan import Plan
from engine.testing.case import Case
from engine.testing.coverage import Coverage
from engine.testing.expecting import unmet
from engine.testing.playing import Stage, Told, is_real, play
from engine.testing.reading import Tests, check_names, read_tests
from engine.testing.virtual import virtually


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test went. `unmet` is empty if all is as expected, `problem` says why it broke off.

    `notes` are what a run of it would have told a person; `place` is the test in its file.
    """

    name: str
    place: Place
    seconds: float
    unmet: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: Problem | None = None

    @property
    def passed(self) -> bool:
        return not self.unmet and self.problem is None


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """How the tests of a file went, and what of the scenario they took."""

    path: Path
    scenario: Path
    verdicts: tuple[Verdict, ...]
    coverage: Coverage


def run_file(
    path: Path,
    operator: Operator,
    *,
    only: str = "",
    network: bool = False,
    on_verdict: Callable[[Verdict], None] = lambda _verdict: None,
) -> FileVerdict:
    """Play the tests of a file whose names hold `only`; `network` lets them ask real services.

    Raises ScenarioError for a test file or scenario that is wrong.
    """
    tests = read_tests(path)
    plan = load_plan(tests.scenario, operator)
    check_names(tests, plan)
    coverage = Coverage(plan)
    verdicts = []
    for number, case in enumerate(tests.written.tests):
        if only in case.name:
            place = tests.document.value_place(("tests", number, "name"))
            player = _Player(tests, plan, coverage, operator, network)
            verdicts.append(player.verdict(case, place))
            on_verdict(verdicts[-1])
    return FileVerdict(path, tests.scenario, tuple(verdicts), coverage)


@dataclass(frozen=True, slots=True)
class _Player:
    tests: Tests
    plan: Plan
    coverage: Coverage
    operator: Operator
    network: bool

    def verdict(self, case: Case, place: Place) -> Verdict:
        began = perf_counter()
        try:
            told = self._told(case)
        except EngineError as error:
            return Verdict(case.name, place, perf_counter() - began, problem=error.problems[0])
        lines = tuple(unmet(case.expect, told))
        return Verdict(case.name, place, perf_counter() - began, lines, tuple(told.notes))

    def _told(self, case: Case) -> Told:
        talking = talking_nodes(self.plan, self.operator)
        mocked = {*case.mock, *self.tests.written.mock}
        asking = [name for name in talking if is_real(case, name) and name not in mocked]
        with TemporaryDirectory(prefix="fusion-test-") as folder:
            stage = Stage(Path(folder), talking)
            if asking:
                return asyncio.run(self._with_services(case, stage, asking))
            return virtually(self._play(case, stage))

    def _play(self, case: Case, stage: Stage) -> Coroutine[Any, Any, Told]:
        return play(case, self.tests, self.plan, self.coverage, stage)

    async def _with_services(self, case: Case, stage: Stage, asking: Sequence[str]) -> Told:
        """Play with services: a connector's own server, or the real one where that is allowed."""
        from engine.connect.fetch import guarded_fetch  # noqa: PLC0415 - takes long to import
        from engine.connect.open import Connections  # noqa: PLC0415
        from engine.connect.servers import Servers  # noqa: PLC0415

        self._check_network(asking)
        fetch = guarded_fetch(allow_private_networks=self.operator.allow_private_networks)
        async with (
            Servers(stage.folder, fetch) as servers,
            Connections(
                self.plan,
                catalog(self.operator).connector,
                servers,
                clock=clock(),
                note=_unsaid,
                secrets=self.operator.secrets,
            ) as connections,
        ):
            nodes = [self.plan.nodes[name] for name in asking]
            http = {
                node.id: await connections.open(node.connector, node.connection) for node in nodes
            }
            return await self._play(case, replace(stage, http=http, clock=clock()))

    def _check_network(self, asking: Sequence[str]) -> None:
        for name in asking:
            if self.plan.nodes[name].connection is not None and not self.network:
                raise EngineError(
                    f"`{name}` would ask a real service",
                    notes=("tests do not, unless they are started with --network",),
                )


def talking_nodes(plan: Plan, operator: Operator) -> list[str]:
    """Name the nodes that use a service."""
    found = catalog(operator)

    def talks(name: str) -> bool:
        connector = found.connector(name)
        return connector.connection is not None or connector.embedded is not None

    nodes = plan.nodes.values()
    return [node.id for node in nodes if node.module is not None and talks(node.connector)]


def _unsaid(_text: str) -> None:
    """A test does not tell which server answered."""
