"""Where a store lies: named by a flag or the environment, else the nearest `.fusion` folder."""

from pathlib import Path

from engine.errors import NoStoreError

NAME = ".fusion"


def existing(named: Path | None, near: Path | None, here: Path) -> Path:
    """Return the folder of the store that a command means.

    `named` comes from `--store` or `FUSION_STORE`; else the nearest one at or above `near` (a
    scenario), or at or above `here` (the current folder). Raises NoStoreError with the places.
    """
    found = named if named is not None and named.is_dir() else None
    start = near.resolve().parent if near is not None else here
    looked = [named] if named is not None else [folder / NAME for folder in (start, *start.parents)]
    if named is None:
        found = next((place for place in looked if place.is_dir()), None)
    if found is None:
        shown = looked[0] if len(looked) == 1 else f"{looked[0]} and the folders above"
        raise NoStoreError(
            "no store here: nothing has run yet, or it lies elsewhere",
            notes=(f"looked at {shown}",),
            next_command="fusion run SCENARIO, or name the store with --store FOLDER",
        )
    return found


def for_run(named: Path | None, scenario: Path, here: Path) -> tuple[Path, bool]:
    """Return the folder of the store for a run, and whether it is new.

    A new one is made in the current folder when the scenario lies below it, else beside the
    scenario; its mode is 0700.
    """
    try:
        return existing(named, scenario, here), False
    except NoStoreError:
        home = scenario.resolve().parent
        place = named or (here if home.is_relative_to(here) else home) / NAME
        return place, True
