"""Every rule can be switched off, and tests must notice it; `switched_off.py` sees if they do."""

from rules_table import HELD
from switched_off import PROJECT, changes


def test_every_rule_can_be_switched_off() -> None:
    assert {change.rule for change in changes()} - {""} == set(HELD)


def test_every_change_is_of_a_file_that_is_there_and_has_tests() -> None:
    for change in changes():
        assert (PROJECT / "engine" / change.file).is_file()
        assert change.held_by
        assert change.old != change.new
