"""The nodes of a scenario file that somebody is still writing, as far as they can be read.

For the shell, which completes their names; nothing is checked.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import Problems
from engine.plan.read import read, read_file


def named_nodes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield id and module of each node that has an id, in document order.

    Raises ScenarioError if the file cannot be read as YAML.
    """
    waiting: list[Any] = [read(read_file(path), Problems()).data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            node_id, module = value.get("id"), value.get("module")
            if isinstance(node_id, str) and isinstance(module, str):
                yield node_id, module
            inside = (value.get(key) for key in ("flow", "routes", "on_error"))
            waiting += reversed([each for each in inside if isinstance(each, list)])
        elif isinstance(value, list):
            waiting += reversed(value)
