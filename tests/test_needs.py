"""The marker `needs` of conftest.py, tried on a test of its own."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

MARKED = """
import pytest

@pytest.mark.needs("{program}")
def test_with_a_program():
    pass
"""


def run(pytester: pytest.Pytester, program: str) -> pytest.RunResult:
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers =\n    needs(program): an outside program")
    pytester.makepyfile(MARKED.format(program=program))
    return pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:asyncio", "-rs")


def test_a_present_program_lets_the_test_run(pytester: pytest.Pytester) -> None:
    run(pytester, "sh").assert_outcomes(passed=1)


def test_a_package_of_npm_is_looked_for_in_its_folder(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FUSION_TESTS_ALL", raising=False)
    monkeypatch.delenv("FUSION_TESTS_NPM", raising=False)
    run(pytester, "npm:left").assert_outcomes(skipped=1)
    (tmp_path / "node_modules" / "left").mkdir(parents=True)
    monkeypatch.setenv("FUSION_TESTS_NPM", str(tmp_path))
    run(pytester, "npm:left").assert_outcomes(passed=1)
    run(pytester, "npm:right").assert_outcomes(skipped=1)


def test_a_missing_program_skips_by_its_name(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FUSION_TESTS_ALL", raising=False)
    result = run(pytester, "no-such-program")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*needs no-such-program*"])


def test_a_missing_program_fails_where_all_tests_are_wanted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_TESTS_ALL", "1")
    run(pytester, "no-such-program").assert_outcomes(errors=1)
