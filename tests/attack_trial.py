"""Runs attacks on the mapping language in this process, which is a child of its own.

    python tests/attack_trial.py "nested loops" [--most 110] [--slow SECONDS]

Writes a line of JSON for each attack that did harm, and one with the class's figures at the end.
The process limits itself, so that an attack that succeeds cannot hurt the machine.
"""

import argparse
import json
import re
import resource
import sys
import time
from contextlib import suppress
from functools import cache
from typing import Any

from attack import Attack, bundle
from attacks import CLASSES
from attacks_texts import HOSTILE_VALUES
from mapping_cases import world
from peak_memory import forget_peak, peak

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import Mapped, compile_text
from engine.model.bundle import File

MEMORY = 64_000_000
SECONDS = 3.0
"""An attack is to take under one second; this allows for machines that are slow or busy."""
PROCESS_SECONDS, PROCESS_MEMORY = 240, 3_000_000_000
PLAIN = (type(None), bool, int, float, str, bytes, File)
TELLING = re.compile(r"<class |<function |<built-in |<module |object at 0x|root:x:0|Traceback \(")


def leak(value: Any, depth: int = 0) -> str:
    """Return what is wrong with a value: one that is no data, or that tells about Python."""
    if isinstance(value, str) and TELLING.search(value[:100_000]):
        return f"tells {value[:80]!r}"
    if isinstance(value, list | tuple | dict) and depth < 20:
        inner = value.values() if isinstance(value, dict) else value
        return next((found for each in list(inner)[:50] if (found := leak(each, depth + 1))), "")
    if isinstance(value, PLAIN) or type(value).__name__ in ("datetime", "list", "tuple", "dict"):
        return ""
    return f"gives a {type(value).__name__}"


def sketch(x: dict[str, Any]) -> list[Any]:
    """Return enough of a bundle to see a change: small values whole, large ones at their ends."""
    return [
        (name, repr((len(value), value[:2], value[-2:]) if len(value) > 100 else value))
        if isinstance(value, str | list)
        else (name, repr(value) if isinstance(value, dict) else value)
        for name, value in x.items()
    ]


def values_for(attack: Attack) -> dict[str, Any]:
    """Return what the names `y` and `z` are."""
    if attack.end in ("value", "pattern"):
        return {"y": attack.value}
    if attack.value is not None:
        return {name: hostile(attack.value, name) for name in "yz"}
    return {}


@cache
def hostile(kind: str, _name: str) -> Any:
    """Return a value by its kind, made once for each name."""
    return HOSTILE_VALUES[kind]()


def outcome(attack: Attack, scope: dict[str, Any]) -> str:
    """Compile and evaluate; return what is wrong with how it ended, empty if nothing is."""
    try:
        mapped = compile_text(attack.text)
        value = mapped.evaluate(scope) if isinstance(mapped, Mapped) else mapped
    except (ExpressionError, MappingError) as error:
        if attack.end == "value":
            return f"failed: {error.message}"
        if not 0 < len(error.message) <= 500 or not error.message.isprintable():
            return f"the message {error.message!r}"
        return "a limit of memory" if "not enough memory" in error.message else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if attack.end == "error":
        return f"no error, but {str(value)[:80]!r}" if not isinstance(value, int) else "no error"
    if attack.end == "value":
        return "" if value == attack.value else f"became {str(value)[:80]!r}"
    return leak(value)


def tried(attack: Attack, x: dict[str, Any]) -> tuple[str, float, int]:
    """Return what is wrong with an attack's end, the seconds and the memory that it took."""
    scope = {"": world(), "x": x, **values_for(attack)}
    forget_peak()
    before, started = peak(), time.process_time()
    found = outcome(attack, scope)
    seconds, memory = time.process_time() - started, peak() - before
    if not found and seconds > SECONDS:
        found = f"took {seconds:.1f} s"
    if not found and memory > MEMORY:
        found = f"took {memory / 1e6:.0f} MB"
    return found, seconds, memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CLASSES)
    parser.add_argument("--most", type=int, default=0, help="this many attacks, evenly chosen")
    parser.add_argument("--slow", type=float, default=SECONDS, help="tell those that take longer")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESS_SECONDS, PROCESS_SECONDS))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (PROCESS_MEMORY, PROCESS_MEMORY))
    attacks = list(CLASSES[given.name]())
    if given.most:
        attacks = attacks[:: max(len(attacks) // given.most, 1)]
    x = bundle()
    unchanged = sketch(x)
    worst_seconds, worst_memory, wrong = 0.0, 0, 0
    for attack in attacks:
        found, seconds, memory = tried(attack, x)
        if sketch(x) != unchanged:
            found, x = "changed the bundle", bundle()
        worst_seconds, worst_memory = max(worst_seconds, seconds), max(worst_memory, memory)
        if found or seconds > given.slow:
            wrong += bool(found)
            shown = {"text": attack.text[:300], "value": str(attack.value)[:60], "found": found}
            sys.stdout.write(json.dumps({**shown, "seconds": round(seconds, 2)}) + "\n")
    figures = {"attacks": len(attacks), "wrong": wrong, "seconds": round(worst_seconds, 2)}
    sys.stdout.write(json.dumps({**figures, "memory": worst_memory}) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
