"""What a failure says of the bundle it happened to: which one it was, and what is in it."""

from pathlib import Path

from runs import Bench

ORDERS = """
    settings: {store_incomplete_executions: true}
    flow:
      - id: order
        module: tools.basic_trigger
        with: {bundles: [{lines: [1, 2]}, {lines: [3, x, 5], vat: 2}]}
      - id: line
        module: flow.iterator
        with: {array: "{{ order.lines }}"}
      - id: price
        module: tools.set_variables
        with: {variables: {total: "{{ line.value * 2 }}", tax: "{{ order.tax + 1 }}"}}
"""


async def test_a_failure_names_the_bundle_of_its_source_and_of_the_trigger(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDERS)

    await bench.run()

    assert [one.failure.bundle for one in await bench.stored()] == [
        "bundle 1 of 2 of line, from bundle 1 of 2 of order",
        "bundle 2 of 2 of line, from bundle 1 of 2 of order",
        "bundle 1 of 3 of line, from bundle 2 of 2 of order",
        "bundle 2 of 3 of line, from bundle 2 of 2 of order",
        "bundle 3 of 3 of line, from bundle 2 of 2 of order",
    ]
    assert bench.listener.failures[3][2].startswith("bundle 2 of 3 of line, from bundle 2 of 2")


async def test_a_failure_over_a_missing_item_names_those_that_there_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDERS)

    await bench.run()

    stored = await bench.stored()
    assert [one.failure.notes[-1] for one in stored[:3]] == [
        "order has: lines",
        "order has: lines",
        "order has: lines, vat",
    ]
    assert stored[3].failure.notes == ()
    assert stored[3].failure.message.endswith('`line.value` is the text "x"')


async def test_the_only_bundle_of_a_trigger_is_not_numbered_to_people(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDERS.replace("[{lines: [1, 2]}, ", "[").replace("[3, x, 5]", "[3]"))

    await bench.run()

    assert [one.failure.bundle for one in await bench.stored()] == [""]


async def test_confidential_data_keeps_the_names_of_items_to_itself(tmp_path: Path) -> None:
    secret = ORDERS.replace("settings: {", "settings: {data_is_confidential: true, ")
    bench = Bench(tmp_path, secret)

    await bench.run()

    stored = await bench.stored()
    assert [one.failure.notes for one in stored] == [()] * 5
    assert stored[0].failure.bundle.startswith("bundle 1 of 2")
