"""`.fusion/config.yaml`: limits of expressions that the operator sets."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mapping_cases import value_of

from engine.errors import ExpressionError, MappingError, ScenarioError
from engine.mapping.compile import compile_text
from engine.mapping.limits import DEFAULTS, Limits, in_force, put_in_force
from engine.model.retention import Budget, Retention
from engine.store.config import (
    file_roots,
    history_budget,
    limits_in,
    module_folders,
    retention,
    use_config,
)


@pytest.fixture(autouse=True)
def _defaults_again() -> Iterator[None]:
    yield
    put_in_force(DEFAULTS)


def written(folder: Path, text: str) -> Path:
    store = folder / ".fusion"
    store.mkdir()
    (store / "config.yaml").write_text(text)
    return store


def test_a_store_without_the_file_has_the_defaults(tmp_path: Path) -> None:
    assert limits_in(tmp_path) == DEFAULTS


def test_limits_are_read_by_their_names(tmp_path: Path) -> None:
    store = written(tmp_path, "expressions: {array: 1000000, text: 500}\n")

    assert limits_in(store) == Limits(array=1_000_000, text=500)


@pytest.mark.parametrize("text", ["# nothing yet\nexpressions:\n", "expressions: {}\n"])
def test_an_empty_section_changes_nothing(tmp_path: Path, text: str) -> None:
    assert limits_in(written(tmp_path, text)) == DEFAULTS


@pytest.mark.parametrize(
    ("text", "code", "says", "line", "column"),
    [
        ("expressions: {aray: 5}\n", "E110", "did you mean `array`?", 1, 15),
        ("expression:\n  array: 5\n", "E110", "did you mean `expressions`?", 1, 1),
        ("expressions:\n  array: 0\n", "E112", "from 1 to 1,000,000", 2, 10),
        ("expressions:\n  array: 1000001\n", "E112", "from 1 to 1,000,000", 2, 10),
        ("expressions:\n  built: 999999999\n", "E112", "from 1 to 160,000,000", 2, 10),
        ("expressions:\n  text: 1.5\n", "E112", "is a whole number", 2, 9),
        ("expressions:\n  text: true\n", "E112", "is a whole number", 2, 9),
        ("expressions:\n  text: '5'\n", "E112", "is a whole number", 2, 10),
        ("expressions: [5]\n", "E112", "should be a mapping of limits", 1, 14),
        ("[5]\n", "E112", "a mapping of keys and values", 1, 1),
        ("retention: {}\nhistry: {}\n", "E110", "did you mean `history`?", 2, 1),
    ],
)
def test_a_mistake_in_it_is_told_with_its_place(
    tmp_path: Path, text: str, code: str, says: str, line: int, column: int
) -> None:
    with pytest.raises(ScenarioError) as caught:
        limits_in(written(tmp_path, text))

    (problem,) = caught.value.problems
    assert problem.code == code
    assert says in problem.message
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (line, column)


@pytest.mark.parametrize("text", ["file_roots: here\n", "file_roots: [5]\n"])
def test_file_roots_are_a_list_of_folders(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScenarioError, match="is a list of folders"):
        file_roots(written(tmp_path, text), tmp_path)


def test_without_file_roots_the_default_is_the_only_one(tmp_path: Path) -> None:
    store = written(tmp_path, "expressions: {}\n")
    assert file_roots(store, tmp_path / "here") == (tmp_path / "here",)


def test_how_much_is_remembered_and_for_how_long_can_be_settled(tmp_path: Path) -> None:
    assert history_budget(tmp_path) == Budget()
    assert retention(tmp_path) == Retention()
    text = (
        "history: {first: 2, last: 3, failures: 4, outputs: 1, runs: 5}\n"
        "retention: {runs: 7d, resolved: 1d, size: 9000}\n"
    )
    store = written(tmp_path, text)
    assert history_budget(store) == Budget(first=2, last=3, failures=4, outputs=1, runs=5)
    days = {"runs": timedelta(days=7), "resolved": timedelta(days=1)}
    assert retention(store) == Retention(**days, size=9000, histories=5)


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ("history: {first: 0}\n", "a whole number from 1 to 10,000", 18),
        ("history: {runs: many}\n", "a whole number from 1 to 10,000", 17),
        ("history: {least: 1}\n", "there is no setting `least`", 11),
        ("retention: {runs: 7}\n", "did you mean `7m` or `7s`?", 19),
        ("retention: {size: 1 GB}\n", "a whole number from 1", 19),
    ],
)
def test_what_cannot_be_remembered_so_is_told(
    tmp_path: Path, text: str, says: str, column: int
) -> None:
    with pytest.raises(ScenarioError) as caught:
        retention(written(tmp_path, text))
    (problem,) = caught.value.problems
    assert says in problem.message
    assert problem.place is not None
    assert problem.place.column == column


def test_the_nearest_store_above_a_scenario_decides(tmp_path: Path) -> None:
    written(tmp_path, "expressions: {array: 7}\n")
    scenario = tmp_path / "deep" / "down.yaml"

    use_config(None, scenario, Path("/"))
    assert in_force().array == 7

    use_config(None, Path("/nowhere/else.yaml"), Path("/"))
    assert in_force() == DEFAULTS


def test_a_lifted_limit_lets_a_large_array_be_mapped() -> None:
    large = [{"name": "n"}] * 150_000
    with pytest.raises(MappingError, match="more than 100,000 elements") as caught:
        value_of("{{ map(x.rows, 'name') }}", x={"rows": large})
    assert any(".fusion/config.yaml" in note for note in caught.value.notes)

    put_in_force(Limits(array=1_000_000))

    assert len(value_of("{{ map(x.rows, 'name') }}", x={"rows": large})) == 150_000


def test_lifted_limits_hold_for_texts_steps_and_what_is_built() -> None:
    loop = "{% for i in range(90000) %}{% for j in range(9) %}.{% endfor %}{% endfor %}"
    with pytest.raises(MappingError, match="more than 200,000 steps"):
        value_of(loop)
    with pytest.raises(MappingError, match="longer than 1,000,000 characters"):
        value_of("{{ x ~ x }}", x="b" * 900_000)

    put_in_force(Limits(text=2_000_000, work=2_000_000, built=100_000_000))

    assert len(value_of(loop)) == 810_000
    assert len(value_of("{{ x ~ x }}", x="b" * 900_000)) == 1_800_000


def test_lowered_limits_hold_for_sources_and_everything_that_grows() -> None:
    put_in_force(Limits(source=100, tokens=30, text=50, array=5, built=1_000, work=20))

    for text in ("{{ " + " " * 100 + "1 }}", "{{ " + "1 + " * 20 + "1 }}"):
        with pytest.raises(ExpressionError):
            compile_text(text)
    for text in (
        "{{ x ~ x }}",
        "{{x}}{{x}}",
        "<{{ x }}>" + "." * 30,
        "{{ join(l, x) }}",
        "{{ range(6) }}",
        "{{ add(l, 1) | list }}",
        "{% for a in l %}{{x}}{% endfor %}",
    ):
        with pytest.raises(MappingError):
            value_of(text, x="b" * 40, l=[1, 2, 3, 4, 5])


@pytest.mark.parametrize("name", ["source", "tokens", "text", "array", "built", "work"])
def test_no_limit_is_lifted_beyond_ten_times_its_default(name: str) -> None:
    most = 10 * getattr(DEFAULTS, name)
    assert getattr(Limits(**{name: most}), name) == most
    for wrong in (most + 1, 0, -1):
        with pytest.raises(ValueError, match="whole number from 1 to"):
            Limits(**{name: wrong})


def test_folders_of_modules_start_from_the_store_and_are_those_of_the_current_folder(
    tmp_path: Path,
) -> None:
    store = written(tmp_path, "modules: [../fusion_modules, /opt/ours]\n")
    store.chmod(0o700)
    below = tmp_path / "below"

    found = (tmp_path / "fusion_modules", Path("/opt/ours"))
    assert module_folders(None, below) == module_folders(store, Path("/")) == found
    assert module_folders(None, Path("/")) == ()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_code_is_not_taken_from_a_store_that_others_may_open(tmp_path: Path, mode: int) -> None:
    store = written(tmp_path, "modules: [../fusion_modules]\n")
    store.chmod(mode)

    with pytest.raises(ScenarioError, match="is code to run") as caught:
        module_folders(None, tmp_path)

    (problem,) = caught.value.problems
    assert problem.code == "E140"
    assert problem.notes == (f"if its settings are yours: chmod 700 {store}",)


@pytest.mark.parametrize("text", ["modules: fusion_modules\n", "modules: [5]\n"])
def test_modules_are_a_list_of_folders(tmp_path: Path, text: str) -> None:
    written(tmp_path, text).chmod(0o700)

    with pytest.raises(ScenarioError, match="is a list of folders"):
        module_folders(None, tmp_path)
