"""Times the compiling of mappings: the first one of a process, and all of a scenario of 300 nodes.

    python tests/bench/compile_bench.py [NODES]

Prints CPU milliseconds. The first compile is taken in fresh processes, importing counted apart; the
scenario has five mapped fields a node, as the mapping benchmark has, all texts unlike each other.
Targets: the first under 5 ms, 300 nodes under a second.
"""

import json
import statistics
import subprocess
import sys
import time

ROUNDS = 7
FRESH = """
import json, sys, time
started = time.process_time()
from engine.mapping.compile import compile_text
imported = time.process_time()
compile_text(sys.argv[1])
print(json.dumps([imported - started, time.process_time() - imported]))
"""
FIELDS = (
    "{{ %s.id }}",
    "{{ upper(%s.name) }}",
    "{{ %s.qty * %s.price }}",
    "{{%s.name}} <{{%s.email}}>",
    "{{ formatDate(%s.date, 'DD.MM.YYYY') if %s.active else 'never' }}",
)


def fresh(text: str) -> tuple[float, float]:
    """Return the milliseconds of importing and of the first compile, in a process of its own."""
    words = [sys.executable, "-c", FRESH, text]
    told = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    imported, compiled = json.loads(told)
    return imported * 1e3, compiled * 1e3


def scenario(nodes: int) -> list[str]:
    """Return the mapped texts of a scenario; each node maps the one before it."""
    names = [f"node{number}" for number in range(nodes)]
    return [field.replace("%s", name) for name in names for field in FIELDS]


def all_of(texts: list[str]) -> float:
    from engine.mapping.compile import compile_text

    started = time.process_time()
    for text in texts:
        compile_text(text)
    return (time.process_time() - started) * 1e3


def main(nodes: int) -> None:
    text = "{{ upper(order.name) }} <{{ order.email | lower }}>, {{ order.qty * order.price }}"
    imports, firsts = zip(*(fresh(text) for _ in range(ROUNDS)), strict=True)
    sys.stdout.write(f"import        {statistics.median(imports):8.2f} ms\n")
    sys.stdout.write(f"first compile {statistics.median(firsts):8.2f} ms\n")
    texts = scenario(nodes)
    times = [all_of(texts) for _ in range(ROUNDS)]
    each = statistics.median(times) / len(texts) * 1e3
    sys.stdout.write(
        f"{nodes} nodes     {statistics.median(times):8.2f} ms, {each:.0f} us a text\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
