"""How far an operation with several bundles is, as a watcher hears it."""

from pathlib import Path

from runs import Bench

FLOW = """\
flow:
  - id: line
    module: tools.basic_trigger
    with: {bundles: [{parts: [1, 2, 3]}, {parts: [4]}]}
  - {id: part, module: flow.iterator, with: {array: "{{ line.parts }}"}}
  - {id: nap, module: tools.sleep, with: {duration: 1s}}
"""


async def test_an_array_is_told_with_its_length_and_what_has_gone_through(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FLOW)

    await bench.run()

    told = bench.listener.emitted
    assert [one[1:] for one in told if one[0] == "part"] == [
        (0, 3),
        (1, 3),
        (2, 3),
        (3, 3),
        (None, 3),
    ]
    assert [one[1:] for one in told if one[0] == "line"] == [(0, 2), (1, 2), (2, 2), (None, 2)]


async def test_an_emission_that_is_cut_off_is_over_too(tmp_path: Path) -> None:
    fails = "  - {module: flow.throw, with: {message: stop}}\n"
    bench = Bench(tmp_path, FLOW + fails)

    await bench.run()

    assert bench.listener.emitted[-2:] == [("part", None, 3), ("line", None, 2)]


async def test_what_passes_in_no_time_is_told_at_its_ends_only(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, FLOW.replace("  - {id: nap, module: tools.sleep, with: {duration: 1s}}\n", "")
    )

    await bench.run()

    told = [one[1:] for one in bench.listener.emitted if one[0] == "part"]
    assert told == [(0, 3), (None, 3)]
