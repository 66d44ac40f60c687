"""What tests of commands share: the front door, small scenarios, and what advice says."""

import json
import os
from pathlib import Path

from click.testing import CliRunner, Result

from engine.cli.main import cli

PEOPLE = """\
name: Birthdays
settings:
  store_incomplete_executions: true
inputs:
  years: {type: number, default: 1}
flow:
  - id: person
    module: tools.basic_trigger
    with:
      bundles: [{name: Ada, age: 36}, {name: Bob, age: null}, {name: Cy, age: 7}]
  - id: next
    module: tools.set_variables
    with:
      variables: {age: "{{ person.age + inputs.years }}"}
    on_error:
      - module: flow.break
"""
"""Three bundles, of which the one of Bob fails and is stored."""

FOLDER = """\
flow:
  - id: letter
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.txt", limit: 10}
  - id: save
    module: files.save_file
    with: {folder: outbox, file: "{{ letter.file }}"}
"""
"""Takes letters from `inbox` and saves them in `outbox`."""

SERVICE = """\
connections:
  cloudconvert: {type: cloudconvert, api_key: {env: NO_SUCH_KEY}}
flow:
  - id: one
    module: tools.basic_trigger
    with: {bundles: [{url: "https://example.com/a.txt"}]}
  - id: convert
    module: cloudconvert.convert_file
    with: {input_file: url, url: "{{ one.url }}", output_format: pdf}
"""
"""Asks a service, whose key is not there."""


def fusion(*words: str) -> Result:
    """Run a command line in this process."""
    return CliRunner().invoke(cli, list(words))


def write(name: str, text: str) -> str:
    """Write a file into the current folder and return its name."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def letters(*names: str) -> None:
    """Put letters into the inbox that are old enough to be taken at once."""
    for folder in ("inbox", "outbox"):
        Path(folder).mkdir(exist_ok=True)
    for name in names:
        letter = Path("inbox", name)
        letter.write_text(name, encoding="utf-8")
        os.utime(letter, (1_700_000_000, 1_700_000_000))


def only_incomplete() -> str:
    """Return the id of the one incomplete execution that there is, resolved or not."""
    found = json.loads(fusion("incomplete", "list", "--all", "--json").stdout)["incomplete"]
    assert len(found) == 1
    return str(found[0]["id"])


def advice(text: str) -> list[str]:
    """Return the words of the command that a text ends with."""
    lines = [line for line in text.splitlines() if line.strip().startswith("next: fusion ")]
    return lines[-1].split()[2:]
