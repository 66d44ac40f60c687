"""Results of operations that work on one input after another."""

from collections.abc import Sequence
from pathlib import Path

from modules.cloudconvert.local.operations.operation import Made, Work


class Results:
    """Gathers what was made, out of the way of what the next input makes."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.made: list[Made] = []

    def add(self, paths: Sequence[Path], names: Sequence[str], format_name: str | None) -> None:
        """Keep files of the task's `work` folder under names of equal number."""
        for path, name in zip(paths, names, strict=True):
            target = self._work.folder.work / f"made.{len(self.made)}"
            path.rename(target)
            self.made.append(Made(target, name, format_name))

    def share(self, number: int, percent: int) -> None:
        """Report how far the work on input `number`, from 0, is."""
        inputs = len(self._work.inputs)
        self._work.report((number * 100 + percent) // inputs)
