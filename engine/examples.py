"""What comes with the engine to start from: scenarios, and a module with its test and page."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from engine.errors import UsageError
from engine.plan.catalog import Catalog
from engine.plan.connections import FILE_NAME as CONNECTIONS
from engine.plan.schema import FILE_NAME as SCHEMA
from engine.plan.schema import MODELINE, schema_text

TEMPLATES = Path(__file__).with_name("templates")


def examples() -> list[str]:
    """Return the names of the scenarios that come with the engine."""
    stems = (path.stem for path in _examples_folder().glob("*.yaml"))
    return sorted(stem for stem in stems if not stem.endswith(".test"))


def copy_example(name: str, target: Path, catalog: Catalog) -> list[Path]:
    """Copy an example with its tests and input files, ready for an editor.

    The schema and a connections file come beside it. Returns what was written, scenario first.
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
    copied = [*[tests] * tests.is_file(), *(path for path in inputs if "outbox" not in path.parts)]
    scenario = source / f"{name}.yaml"
    files = {target / scenario.name: _with_modeline(scenario.read_bytes())}
    files |= {target / path.relative_to(source): path.read_bytes() for path in copied}
    files[target / SCHEMA] = schema_text(catalog).encode()
    files[target / CONNECTIONS] = connections_text(catalog).encode()
    return _written(files)


def start_module(module_id: str, folder: Path) -> list[Path]:
    """Write a module to start from, its test and its page; return the files in this order.

    Raises UsageError if the id is not of the form `connector.verb_noun`, or a file exists.
    """
    connector, _, short_name = module_id.partition(".")
    if (
        not (connector.isidentifier() and short_name.isidentifier())
        or module_id.lower() != module_id
    ):
        text = f"`{module_id}` is no id of a module; one is words.count_words"
        raise UsageError(text, code="E701")
    stem = f"{connector}_{short_name}"
    words = {
        "id": module_id,
        "connector": connector,
        "cls": "".join(word.capitalize() for word in short_name.split("_")),
        "folder": folder.as_posix(),
    }
    files = {
        folder / f"{stem}.py": "module.txt",
        folder / "tests" / f"test_{stem}.py": "module_test.txt",
        folder / f"{stem}.md": "module_page.txt",
    }
    return _written({path: _filled(name, words) for path, name in files.items()})


def connections_text(catalog: Catalog) -> str:
    """Return a connections file in which every service is the connector's own server."""
    lines = ["# Connections by name. A key never stands here, only where it is found."]
    for name in catalog.names():
        connector = catalog.connector(name)
        if connector.connection is None or connector.embedded is None:
            continue
        lines += [f"{name}:", f"  type: {name}"]
        lines += ["  embedded: true  # the server that comes along, on this machine"]
        lines += [
            f"  # {field}: {{env: {name.upper()}_{field.upper()}}}  # for the service itself"
            for field, info in connector.connection.model_fields.items()
            if info.is_required()
        ]
    return "\n".join(lines if len(lines) > 1 else [*lines, "{}"]) + "\n"


def _filled(name: str, words: Mapping[str, str]) -> bytes:
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(words).encode()


def _with_modeline(scenario: bytes) -> bytes:
    return (
        scenario if scenario.startswith(MODELINE.encode()) else f"{MODELINE}\n".encode() + scenario
    )


def _written(files: Mapping[Path, bytes]) -> list[Path]:
    """Write new files, or none of them."""
    taken = [path for path in files if path.exists()]
    if taken:
        raise UsageError(f"{taken[0]} exists; nothing was written", code="E701")
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(files)


def _examples_folder() -> Path:
    """Return `engine/_scenarios` of an installed engine, else the folder beside the source."""
    here = Path(__file__).resolve().parent
    shipped = here / "_scenarios"
    return shipped if shipped.is_dir() else here.parent / "scenarios"
