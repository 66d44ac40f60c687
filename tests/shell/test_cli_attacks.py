"""A sample of all attacks on the mapping language, by `eval`, `validate` and `run`: one budget."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attack import Attack, bundle
from attacks import CLASSES

from engine.errors import ExpressionError
from engine.mapping.compile import compile_text

LIMITED = Path(__file__).parents[1] / "limited_fusion.py"
MEMORY = 64_000_000
ITEM = re.compile(r"\bx\.(\w+)")
LEFT_OUT = {"huge", "infinite", "texts", "wild"}
"""Items that JSON cannot hold, or that would be too much of it."""
BUNDLE = {name: value for name, value in bundle().items() if name not in LEFT_OUT}
OF_EACH = 5


def sample() -> Iterator[Attack]:
    """Return some attacks of each class, those that need only what JSON can say."""
    for attacks in CLASSES.values():
        fit = [
            attack
            for attack in attacks()
            if attack.value is None and not LEFT_OUT & set(ITEM.findall(attack.text))
        ]
        yield from fit[:: max(len(fit) // OF_EACH, 1)]


SAMPLE = list(sample())


def items(texts: Iterator[str]) -> dict[str, Any]:
    """Return what texts read of `x`."""
    named = {name for text in texts for name in ITEM.findall(text)}
    return {name: value for name, value in BUNDLE.items() if name in named}


class Ended:
    """How a command ended."""

    def __init__(self, folder: Path, words: tuple[str, ...], given: str = "") -> None:
        child = subprocess.run(
            [sys.executable, LIMITED, *words],
            cwd=folder,
            input=given.encode(),
            capture_output=True,
            check=False,
            timeout=300,
        )
        told = child.stderr.decode().rstrip("\n")
        self.exit_code = child.returncode
        self.stdout = child.stdout.decode()
        self.stderr, _, peak = told.rpartition("\n")
        self.peak = int(peak)


def compiles(attack: Attack) -> bool:
    try:
        compile_text(attack.text)
    except ExpressionError:
        return False
    return True


def scenario(attacks: list[Attack], *, resume: bool) -> str:
    """Return a scenario with a node for each attack; JSON is YAML."""
    flow: list[dict[str, Any]] = [
        {"id": "x", "module": "tools.basic_trigger", "with": {"bundles": [{}]}}
    ]
    for number, attack in enumerate(attacks):
        node: dict[str, Any] = {
            "id": f"a{number}",
            "module": "tools.set_variables",
            "with": {"variables": {"v": attack.text}},
        }
        if resume:
            node["on_error"] = [{"module": "flow.resume", "with": {"v": "stopped"}}]
        flow.append(node)
    return json.dumps({"name": "Attacks", "flow": flow}, indent=1)


def test_the_sample_has_attacks_of_most_classes() -> None:
    assert len(SAMPLE) >= 55


def test_eval_answers_every_attack_with_an_error_or_a_value(tmp_path: Path) -> None:
    texts = [attack.text for attack in SAMPLE]
    lines = [{"expr": text, "bundle": {"x": items(iter([text]))}} for text in texts]
    calm = Ended(tmp_path, ("eval", "--jsonl"), json.dumps({**lines[0], "bundle": {"x": BUNDLE}}))

    ended = Ended(tmp_path, ("eval", "--jsonl"), "\n".join(map(json.dumps, lines)))

    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (ended.exit_code, ended.stderr.strip()) == (0, "")
    assert len(answers) == len(SAMPLE)
    for attack, answer in zip(SAMPLE, answers, strict=True):
        assert "error" in answer or attack.end == "data", attack.text[:300]
    assert ended.peak - calm.peak < MEMORY


def test_validate_tells_every_attack_that_can_be_told_before_a_run(tmp_path: Path) -> None:
    attacks = [attack for attack in SAMPLE if len(attack.text) < 40_000]
    (tmp_path / "attacks.yaml").write_text(scenario(attacks, resume=False))
    (tmp_path / "calm.yaml").write_text(scenario([Attack("{{ x.n }}")], resume=False))
    calm = Ended(tmp_path, ("validate", "calm.yaml"))

    ended = Ended(tmp_path, ("validate", "attacks.yaml", "--json"))

    [file] = json.loads(ended.stdout)["files"]
    codes = {problem["code"] for problem in file["problems"]}
    assert ended.exit_code == 1
    assert codes <= {"E201", "E202", "E203", "E210", "E211", "E212", "E213", "E215"}
    assert len(file["problems"]) >= sum(not compiles(attack) for attack in attacks)
    assert ended.peak - calm.peak < MEMORY


def test_a_run_fails_on_each_attack_alone_and_goes_on(tmp_path: Path) -> None:
    attacks = [attack for attack in SAMPLE if compiles(attack)]
    known = [attack for attack in attacks if _only_reads_x(attack)]
    (tmp_path / "attacks.yaml").write_text(scenario(known, resume=True))
    (tmp_path / "calm.yaml").write_text(scenario([Attack("{{ x.n }}")], resume=True))
    (tmp_path / "x.json").write_text(json.dumps(items(attack.text for attack in known)))
    calm = Ended(tmp_path, ("run", "calm.yaml", "--input", "x.json"))

    ended = Ended(tmp_path, ("run", "attacks.yaml", "--input", "x.json", "--json"))

    nodes = json.loads(ended.stdout)["execution"]["nodes"]
    assert len(known) >= 25
    assert ended.exit_code == 0, ended.stderr
    for number, attack in enumerate(known):
        assert nodes[f"a{number}"]["failed"] or attack.end == "data", attack.text[:300]
    assert ended.peak - calm.peak < MEMORY


def _only_reads_x(attack: Attack) -> bool:
    mapped = compile_text(attack.text)
    return not isinstance(mapped, str) and {each.root for each in mapped.references} <= {"x"}


@pytest.mark.parametrize("command", ["eval", "validate"])
def test_an_attack_that_is_one_text_is_told_like_any_mistake(tmp_path: Path, command: str) -> None:
    text = "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}"
    (tmp_path / "deep.yaml").write_text(scenario([Attack(text)], resume=False))

    ended = Ended(tmp_path, ("eval", text) if command == "eval" else ("validate", "deep.yaml"))

    assert "E213" in ended.stdout + ended.stderr
    assert "nested deeper than 40" in ended.stdout + ended.stderr
