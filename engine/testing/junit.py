"""Verdicts as JUnit's XML, which build servers read. Source: the schema that Jenkins publishes."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.testing.session import FileVerdict, Verdict


def junit(files: Sequence[FileVerdict]) -> str:
    """Return one test suite per file."""
    root = Element("testsuites")
    for one in files:
        suite = SubElement(
            root,
            "testsuite",
            name=_clean(str(one.path)),
            tests=str(len(one.verdicts)),
            failures=str(sum(bool(each.unmet) for each in one.verdicts)),
            errors=str(sum(each.problem is not None for each in one.verdicts)),
            time=f"{sum(each.seconds for each in one.verdicts):.3f}",
        )
        for verdict in one.verdicts:
            _case(suite, one, verdict)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: Element, one: FileVerdict, verdict: Verdict) -> None:
    case = SubElement(
        suite,
        "testcase",
        name=_clean(verdict.name),
        classname=_clean(one.scenario.stem),
        file=_clean(verdict.place.file),
        line=str(verdict.place.line),
        time=f"{verdict.seconds:.3f}",
    )
    if verdict.problem is not None:
        error = SubElement(case, "error", message=_clean(verdict.problem.message))
        error.text = _clean("\n".join(verdict.problem.notes))
    if verdict.unmet:
        failure = SubElement(case, "failure", message=_clean(verdict.unmet[0]))
        failure.text = _clean("\n".join(verdict.unmet))
    if verdict.notes:
        SubElement(case, "system-out").text = _clean("\n".join(verdict.notes))


def _clean(text: str) -> str:
    """Return text without what XML cannot hold."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
