"""When nodes worked, as rows of bars over the time of the run."""

from collections.abc import Iterator, Mapping, Sequence

from engine.cli.report.content import NodeLine
from engine.cli.report.html import Html, tag, text
from engine.cli.units import duration
from engine.model.history import Stretch

_WIDTH = 1000
_HEIGHT = 14
_LEAST = 2.0
"""Width of a bar that would be too narrow to be seen, in thousandths of the run."""

_TICKS = 4


def timeline(
    lines: Sequence[NodeLine], stretches: Mapping[str, Sequence[Stretch]], seconds: float
) -> Iterator[Html]:
    """Yield the section, if a node has worked long enough to be told; `seconds` is the run's."""
    worked = [line for line in lines if stretches.get(line.id)]
    if not worked:
        return
    ends = [one.begun + one.took for line in worked for one in stretches[line.id]]
    whole = max(seconds, *ends, 0.001)
    note = (
        "Operations that wait for something, each from its beginning to its end. Choose a bar to "
        "see its bundle; with the keyboard, the arrow keys go from bar to bar."
    )
    rows = [_row(line, stretches[line.id], whole) for line in worked]
    content = [
        tag("h2", "Timeline", id="timeline"),
        tag("p", note, class_="note"),
        tag("div", [*rows, _axis(whole)], class_="timeline"),
    ]
    yield tag("section", content, aria_labelledby="timeline")


def _row(line: NodeLine, stretches: Sequence[Stretch], whole: float) -> Html:
    bars = "".join(_bar(one, whole) for one in stretches)
    picture = Html(
        f'<svg class="bars" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" '
        f'role="group" aria-label="{_said(stretches)}" data-bars="{text(line.id)}">{bars}</svg>'
    )
    button = tag(
        "button", line.title, type="button", class_=f"pick {line.outcome}", data_pick=line.id
    )
    return tag("div", [button, picture], class_="lane")


def _bar(one: Stretch, whole: float) -> str:
    left, width = _WIDTH * one.begun / whole, max(_WIDTH * one.took / whole, _LEAST)
    left = min(max(left, 0.0), _WIDTH - _LEAST)
    words = f"{duration(one.took)}, from {duration(max(one.begun, 0.0))} on"
    if one.number:
        words = f"bundle {one.number}: {words}"
    return (
        f'<rect x="{left:.2f}" width="{min(width, _WIDTH - left):.2f}" height="{_HEIGHT}" rx="2" '
        f'data-number="{one.number or ""}"><title>{words}</title></rect>'
    )


def _said(stretches: Sequence[Stretch]) -> str:
    first, last = stretches[0], stretches[-1]
    end = max(last.begun + last.took, 0.0)
    return f"worked from {duration(max(first.begun, 0.0))} to {duration(end)}"


def _axis(whole: float) -> Html:
    marks = [tag("span", duration(whole * part / _TICKS)) for part in range(_TICKS + 1)]
    return tag("div", [tag("span", ""), tag("div", marks, class_="ticks")], class_="lane axis")
