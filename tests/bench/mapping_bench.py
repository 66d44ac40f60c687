"""Times the mapping of performance P4: five fields per bundle, against two ways to do without.

    python tests/bench/mapping_bench.py [BUNDLES]

Prints CPU microseconds per field (median of interleaved rounds) and the ratios to a native Python
loop and to Jinja's sandboxed `render`, one template per field. Answers are compared first.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from jinja2.sandbox import SandboxedEnvironment

from engine.mapping.compile import Mapped, Scope, compile_text

ROUNDS = 9
FIELDS = {
    "id": "{{ x.id }}",
    "label": "{{ upper(x.name) }}",
    "total": "{{ x.qty * x.price }}",
    "contact": "{{x.name}} <{{x.email}}>",
    "active": "{{ x.active }}",
}
JINJA_FIELDS = {**FIELDS, "label": "{{ x.name | upper }}"}


def source(count: int) -> list[Scope]:
    return [
        {
            "x": {
                "id": i,
                "name": f"User {i}",
                "email": f"user{i}@example.com",
                "qty": i % 10 + 1,
                "price": i % 100 + 0.5,
                "active": i % 2 == 0,
            }
        }
        for i in range(count)
    ]


def native(scope: Scope) -> dict[str, Any]:
    x = scope["x"]
    return {
        "id": x["id"],
        "label": x["name"].upper(),
        "total": x["qty"] * x["price"],
        "contact": f"{x['name']} <{x['email']}>",
        "active": x["active"],
    }


def ours() -> dict[str, Callable[[Scope], Any]]:
    compiled = {name: compile_text(text) for name, text in FIELDS.items()}
    return {name: each.evaluate for name, each in compiled.items() if isinstance(each, Mapped)}


def rendered() -> dict[str, Callable[[Scope], Any]]:
    environment = SandboxedEnvironment()
    templates = {name: environment.from_string(text) for name, text in JINJA_FIELDS.items()}
    return {name: template.render for name, template in templates.items()}


def seconds(work: Callable[[Scope], Any], scopes: list[Scope]) -> float:
    started = time.process_time()
    for scope in scopes:
        work(scope)
    return time.process_time() - started


def mapped(fields: dict[str, Callable[[Scope], Any]]) -> Callable[[Scope], dict[str, Any]]:
    pairs = tuple(fields.items())
    return lambda scope: {name: evaluate(scope) for name, evaluate in pairs}


def main(count: int) -> None:
    scopes = source(count)
    evaluates, templates = ours(), rendered()
    ways = {"native": native, "ours": mapped(evaluates), "render": mapped(templates)}
    assert all(ways["ours"](scope) == native(scope) for scope in scopes[:1000])
    assert {k: str(v) for k, v in native(scopes[1]).items()} == ways["render"](scopes[1])

    few = scopes[: max(count // 20, 1)]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            chosen = few if name == "render" else scopes
            times[name].append(seconds(way, chosen) / len(chosen) / len(FIELDS) * 1e6)
    middle = {name: statistics.median(found) for name, found in times.items()}
    for name, microseconds in middle.items():
        ratios = ", ".join(f"{microseconds / middle[to]:.2f}x {to}" for to in ("native", "render"))
        sys.stdout.write(f"{name:8} {microseconds:7.3f} us/field   {ratios}\n")
    for name, evaluate in evaluates.items():
        one = statistics.median(seconds(evaluate, scopes) / count * 1e6 for _ in range(ROUNDS))
        sys.stdout.write(f"  {FIELDS[name]:26} {one:.3f} us\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
