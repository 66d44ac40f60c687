"""Trigger cursors, variables, iterating and aggregating, as plain calls."""

from pathlib import Path

from engine.model.bundle import File
from engine.run.aggregate import Collected, elements
from engine.run.cursor import RunVariables, TriggerCursor
from engine.run.ports import CursorChange
from engine.run.rules import TriggerMoves


def test_a_mark_holds_once_its_bundle_has_been_worked_off() -> None:
    cursor = TriggerCursor("video", {})
    cursor.set("a.mov", [1, 2])
    cursor.take_up()
    cursor.settle()
    cursor.set("b.mov", [3, 4])

    assert cursor.get("b.mov") == [3, 4]
    assert cursor.end_cycle(TriggerMoves.SETTLED) == [CursorChange("video", "a.mov", [1, 2])]
    assert cursor.get("b.mov") is None


def test_the_mark_of_a_bundle_on_its_way_holds_only_if_all_do() -> None:
    for moves, held in ((TriggerMoves.SETTLED, []), (TriggerMoves.ALL, ["a.mov"])):
        cursor = TriggerCursor("video", {})
        cursor.set("a.mov", 1)
        cursor.take_up()

        assert [change.key for change in cursor.end_cycle(moves)] == held


def test_marks_of_bundles_that_wait_for_their_turn_are_known_and_never_hold() -> None:
    cursor = TriggerCursor("video", {})
    for name in ("a.mov", "b.mov", "c.mov"):
        cursor.set(name, name)
        cursor.set_aside()
    cursor.take_up()
    cursor.settle()
    cursor.take_up()

    assert (sorted(cursor.keys()), cursor.get("c.mov")) == (["a.mov", "b.mov", "c.mov"], "c.mov")
    assert [change.key for change in cursor.end_cycle(TriggerMoves.ALL)] == ["a.mov", "b.mov"]
    assert (list(cursor.keys()), cursor.get("c.mov")) == (["a.mov", "b.mov"], None)


def test_a_rolled_back_cycle_moves_no_mark() -> None:
    cursor = TriggerCursor("video", {"old": 1})
    cursor.set("old", None)
    cursor.set("new", 2)
    cursor.take_up()
    cursor.settle()

    assert cursor.end_cycle(TriggerMoves.NONE) == []
    assert list(cursor.keys()) == ["old"]


def test_a_committed_cycle_moves_every_mark_and_the_next_starts_there() -> None:
    cursor = TriggerCursor("video", {"gone": 1})
    cursor.set("gone", None)
    cursor.set("new", 2)
    cursor.take_up()

    assert len(cursor.end_cycle(TriggerMoves.ALL)) == 2
    assert list(cursor.keys()) == ["new"]
    assert cursor.end_cycle(TriggerMoves.ALL) == []


def test_variables_of_the_cycle_are_forgotten_and_the_last_write_wins() -> None:
    variables = RunVariables()
    variables.set("a", 1, lifetime="execution")
    variables.set("b", 2, lifetime="cycle")
    variables.set("a", 3, lifetime="cycle")

    assert (variables.get("a"), variables.get("b"), variables.get("c")) == (3, 2, None)
    variables.end_cycle()
    assert (variables.get("a"), variables.get("b")) == (1, None)


def test_elements_carry_their_order_and_primitives_become_values() -> None:
    first, second = elements([{"id": 7}, "text"])

    assert (first["id"], first["bundle_index"], first["__IMTLENGTH__"]) == (7, 1, 2)
    assert (second["value"], second["__IMTINDEX__"], second["bundle_count"]) == ("text", 2, 2)


def test_null_and_an_empty_array_give_no_element_and_a_lone_value_gives_one() -> None:
    assert list(elements(None)) == list(elements([])) == []
    assert [bundle["value"] for bundle in elements("alone")] == ["alone"]


def test_a_file_is_a_value_and_not_a_collection() -> None:
    file = File("a.txt", 1, "text/plain", "0" * 64, Path("content"))

    assert [bundle["value"] for bundle in elements([file])] == [file]


def test_an_empty_aggregation_emits_an_empty_array_unless_told_to_stop() -> None:
    assert Collected().sets(stop_if_empty=False, groups=False) == [
        {"array": [], "__IMTAGGLENGTH__": 0, "array_length": 0}
    ]
    assert Collected().sets(stop_if_empty=True, groups=False) == []
    assert Collected().sets(stop_if_empty=False, groups=True) == []


def test_groups_come_in_order_of_first_sight_and_keep_the_order_of_arrival() -> None:
    collected = Collected()
    for key, number in [("b", 1), ("a", 2), ("b", 3)]:
        collected.add({"group_by": key, "fields": {"n": number}})

    sets = collected.sets(stop_if_empty=False, groups=True)

    assert [(one["key"], [row["n"] for row in one["array"]]) for one in sets] == [
        ("b", [1, 3]),
        ("a", [2]),
    ]


def test_groups_tell_numbers_from_texts_and_hold_arrays_apart() -> None:
    collected = Collected()
    for key in (1, "1", [1], "[1]", True):
        collected.add({"group_by": key, "fields": {}})

    assert len(collected.sets(stop_if_empty=False, groups=True)) == 5


def test_rows_are_ordinary_collections_and_keep_every_value_as_it_came() -> None:
    values = [1, 1.0, True, 0.0, -0.0, 2.5, 2.5, "1", "", None, ["a"], "a" * 2]
    rows = [{"name": "x", "value": value} for value in values]
    rows += [{"__class__": 1, "__dict__": 2, "value": 3}, {f"n{i}": i for i in range(40)}, {}]
    collected = Collected()
    for row in rows:
        collected.add({"fields": row})

    (aggregate,) = collected.sets(stop_if_empty=False, groups=False)

    assert [repr(row) for row in aggregate["array"]] == [repr(row) for row in rows]
    assert {type(row) for row in aggregate["array"]} == {dict}


def test_equal_texts_and_numbers_of_rows_are_held_once() -> None:
    collected = Collected()
    for number in range(2_000):
        collected.add({"fields": {"id": str(number), "state": "".join(["op", "en"])}})

    (aggregate,) = collected.sets(stop_if_empty=False, groups=False)

    states = [row["state"] for row in aggregate["array"]]
    assert set(states) == {"open"}
    assert len({id(state) for state in states}) <= 3
