"""The page for authors of modules, `modules/README.md`, run from top to bottom.

A block after `<!-- file: NAME -->` is written to that file. After `<!-- install: FOLDER -->`, the
package in that folder is put on the path with the metadata that an installer would make of it.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "modules" / "README.md"
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def install(package: Path) -> None:
    """Make a package's folder a place from which it is found as if it were installed."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = package / f"{name}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata)
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def run(line: str, folder: Path, path: list[Path]) -> str:
    environment = {name: value for name, value in os.environ.items() if "FUSION" not in name}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return the folder in which the page was tried, and what each command told."""
    folder, path, told = tmp_path_factory.mktemp("author"), [], {}
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        kind, _, name = (block["mark"] or "").partition(": ")
        if kind == "file":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block["text"], encoding="utf-8")
        elif kind == "install":
            install(folder / name)
            path.append(folder / name)
        elif block["language"] == "bash":
            for line in block["text"].splitlines():
                told[line] = run(line, folder, path)
    return folder, told


def test_every_command_of_the_page_does_what_it_says(told: tuple[Path, dict[str, str]]) -> None:
    folder, words = told

    assert (folder / "prices" / "2.txt").read_text() == "47.5"
    assert (folder / "greetings" / "Ada.txt").read_text() == "Good day, Ada"
    page = words["fusion modules rates.get_rate --modules fusion_modules"]
    assert "The currency to look up, in three capitals." in page
    assert "acme.greet" in words["fusion modules acme"]
    assert "1 passed" in words["fusion test prices.yaml --modules fusion_modules"]


def test_a_package_outside_the_tree_is_part_of_the_schema_and_its_mistakes_are_told(
    told: tuple[Path, dict[str, str]],
) -> None:
    folder, _words = told

    assert '"acme.greet"' in run("fusion schema", folder, [folder / "acme"])
    (folder / "wrong.yaml").write_text(
        (folder / "greetings.yaml").read_text().replace("greeting.text", "greeting.txet")
    )
    line = "fusion validate wrong.yaml --concise || true"
    assert "`greeting` has no item `txet`; did you mean `text`?" in run(
        line, folder, [folder / "acme"]
    )
