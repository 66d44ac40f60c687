"""`fusion incomplete export` and `import`: from one store to another, through a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.advice import store_option, typed
from engine.cli.completing import incomplete_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.selecting import check_choice, chosen_ones, selection_options
from engine.cli.show import near
from engine.cli.units import short

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.selection import Selection


@click.command("export", epilog="Example: fusion incomplete export 3f2a91c0 --to failed")
@click.argument("ids", nargs=-1, metavar="ID…", shell_complete=incomplete_ids)
@selection_options
@click.option("--all", "everything", is_flag=True, help="All that are not resolved.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder to write to; it is made if it is not there.",
)
@click.option("--decrypt", is_flag=True, help="Write confidential ones too, in clear.")
@operator("store")
@json_option
@click.pass_obj
def export(
    output: Output,
    /,
    operator: "Operator",
    selection: "Selection",
    *,
    ids: tuple[str, ...],
    everything: bool,
    folder: Path,
    decrypt: bool,
) -> None:
    """Write incomplete executions to a folder: a YAML file each, and contents of files.

    They can be read, changed, and imported again, on another machine too. They stay stored here.
    """
    from engine.app import open_store
    from engine.app.exchange import export
    from engine.cli.running import run_async

    check_choice(ids, selection, everything=everything)

    async def read() -> list[str]:
        async with open_store(operator) as store:
            return [one.id for one in await chosen_ones(store, ids, selection)]

    chosen, _ = run_async(read())
    written, _ = run_async(export(chosen, folder, operator, decrypt=decrypt))
    if output.as_json:
        paths = [{"id": one.incomplete_id, "path": str(one.path)} for one in written]
        output.document({"exported": paths})
        return
    for one in written:
        output.result(f"{short(one.incomplete_id)}  {near(one.path)}")
    output.tell(f"next: {typed('incomplete', 'import', near(folder))}")


@click.command("import", epilog="Example: fusion incomplete import failed --at videos.yaml")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PATH…"
)
@click.option(
    "--at",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the scenario lies on this machine, if elsewhere than where it ran.",
)
@click.option("--overwrite", is_flag=True, help="Replace those that are stored and differ.")
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def import_(
    output: Output,
    /,
    operator: "Operator",
    *,
    paths: tuple[Path, ...],
    at: Path | None,
    overwrite: bool,
) -> None:
    """Read incomplete executions in that were exported: files, or all of a folder.

    They are checked first, and if one is wrong none is stored. A replay runs the scenario that is
    written in them: read it, if somebody else has sent it.
    """
    from engine.app.exchange import take_in
    from engine.cli.records import incomplete_json
    from engine.cli.running import run_async

    found, _ = run_async(take_in(paths, operator, at=at, overwrite=overwrite))
    if output.as_json:
        told = [{**incomplete_json(one.incomplete), "known": one.known} for one in found]
        output.document({"imported": told})
        return
    for one in found:
        record = one.incomplete
        known = ", which was here already" if one.known else ""
        output.result(f"{short(record.id)}  {record.scenario_id}, {record.node_id}{known}")
    words = ("incomplete", "show", short(found[0].incomplete.id))
    output.tell(f"next: {typed(*words, *store_option(operator))}")
