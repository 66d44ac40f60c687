"""The scenarios that come with the engine, to be copied and changed."""

import shutil
from pathlib import Path

from engine.errors import UsageError


def examples() -> list[str]:
    """Return the names of the scenarios that come with the engine."""
    stems = (path.stem for path in _examples_folder().glob("*.yaml"))
    return sorted(stem for stem in stems if not stem.endswith(".test"))


def copy_example(name: str, target: Path) -> list[Path]:
    """Copy an example, its tests and its input files; return what was written, scenario first.

    Raises UsageError if there is no such example, or if something there would be overwritten.
    """
    source = _examples_folder()
    if name not in examples():
        raise UsageError(
            f"no example is called `{name}`",
            code="E701",
            notes=(f"there are: {', '.join(examples())}",),
        )
    inputs = sorted(path for path in (source / name).rglob("*") if path.is_file())
    tests = source / f"{name}.test.yaml"
    wanted = [source / f"{name}.yaml", *[tests] * tests.is_file()]
    wanted += [path for path in inputs if "outbox" not in path.parts]
    targets = [target / path.relative_to(source) for path in wanted]
    taken = [path for path in targets if path.exists()]
    if taken:
        raise UsageError(f"{taken[0]} exists; nothing was written", code="E701")
    for path, copy in zip(wanted, targets, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return targets


def _examples_folder() -> Path:
    """Return `engine/_scenarios` of an installed engine, else the folder beside the source."""
    here = Path(__file__).resolve().parent
    shipped = here / "_scenarios"
    return shipped if shipped.is_dir() else here.parent / "scenarios"
