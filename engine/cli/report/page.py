"""The page itself: HTML, its style and its script in one file that asks for nothing from outside.

Whatever a run has seen is hostile. In the markup it is escaped; what the inspector shows lies in a
script element that is not executed, and `report.js` makes text of it. A policy in the page lets
nothing run and nothing load but the one script and the one style sheet, known by their hashes.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from engine.cli.report.content import NodeLine, Report, data_of
from engine.cli.report.html import Html, tag
from engine.cli.report.timeline import timeline
from engine.cli.show import failure_problem
from engine.cli.summary import kind_word, seconds_of, status_word
from engine.cli.units import clock_time, counted, duration, short
from engine.draw.svg import style, to_svg_element
from engine.model.execution import Execution, Incomplete
from engine.model.secrets import Secrets

_LEGEND: Final = (
    ("success", "succeeded"),
    ("partly", "some failed"),
    ("failed", "failed"),
    ("untouched", "nothing came"),
)


def page(report: Report, secrets: Secrets) -> str:
    """Return the page of a run as HTML in ASCII; it shows none of the secrets."""
    sheet, script = f"{style()}{_file('report.css')}", _file("report.js")
    body = secrets.cut("".join([*_header(report), *_main(report)]))
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(sheet, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{_name(report)}: {status_word(report.run.execution)}"),
        Html(f"<style>{sheet}</style>"),
    ]
    html = (
        f'<!doctype html>\n<html lang="en">\n<head>\n{"".join(head)}\n</head>\n'
        f"<body>\n{body}\n{_data(report, secrets)}\n<script>{script}</script>\n</body>\n</html>\n"
    )
    return html.encode("ascii", "xmlcharrefreplace").decode()


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="ascii")


def _policy(sheet: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(sheet)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _data(report: Report, secrets: Secrets) -> Html:
    """Return what the inspector shows, as JSON in which nothing can end the element it is in."""
    content = json.dumps(secrets.cut_in(data_of(report)), allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        content = content.replace(sign, f"\\u{ord(sign):04x}")
    return Html(f'<script type="application/json" id="data">{content}</script>')


def _name(report: Report) -> str:
    if report.plan is not None and report.plan.name:
        return report.plan.name
    return report.run.execution.scenario_id


def _header(report: Report) -> Iterator[Html]:
    execution = report.run.execution
    word = status_word(execution)
    facts = [
        (kind_word(execution.kind).capitalize(), execution.id),
        ("Started", clock_time(execution.started_at)),
        ("Took", duration(seconds_of(execution)) if execution.ended_at else "not ended"),
        ("Operations", str(execution.operations)),
        ("Bundles", str(execution.bundles)),
    ]
    if execution.lost:
        facts.append(("Lost", counted(execution.lost, "bundle")))
    yield tag(
        "header",
        [
            tag("h1", [_name(report), " ", tag("span", word, class_=f"status {word}")]),
            tag("dl", [tag("div", [tag("dt", name), tag("dd", fact)]) for name, fact in facts]),
            *_ending(execution),
        ],
    )


def _ending(execution: Execution) -> Iterator[Html]:
    if execution.failure is not None:
        problem = failure_problem(execution.failure)
        notes = [tag("p", note, class_="note") for note in problem.notes]
        yield tag("div", [tag("strong", problem.message), *notes], class_="failure", role="alert")


def _main(report: Report) -> Iterator[Html]:
    inspector = tag(
        "aside",
        [
            tag("h2", "Inspector", id="inspector-title"),
            tag("p", _hint(report), id="hint"),
            tag("div", id="inspector"),
        ],
        aria_labelledby="inspector-title",
    )
    yield Html("<main>")
    yield tag("div", [*_picture(report), inspector], class_="look")
    lines, run = list(report.nodes()), report.run
    if run.history is not None:
        yield from timeline(lines, run.history.stretches, seconds_of(run.execution))
    yield from _times(lines)
    yield from _errors(report)
    yield from _left(report.run.incomplete)
    yield Html("</main>")


def _hint(report: Report) -> str:
    if report.withheld:
        return report.withheld
    return "Choose a node, in the picture or in the table, to see what came to it and what it gave."


def _picture(report: Report) -> Iterator[Html]:
    if report.plan is None:
        text = "The scenario cannot be read any more, so there is no picture of it."
        yield tag("section", tag("p", text), class_="graph")
        return
    legend = [tag("li", words, class_=f"key {name}") for name, words in _LEGEND]
    picture = Html(to_svg_element(report.plan, report.marks))
    yield tag(
        "section",
        [
            tag("h2", "Scenario"),
            tag(
                "div",
                [
                    tag("ul", legend, class_="legend"),
                    tag("button", "Whole picture", type="button", id="whole", aria_pressed="false"),
                ],
                class_="above",
            ),
            tag(
                "div",
                picture,
                class_="scroll",
                tabindex="0",
                role="group",
                aria_label="picture of the scenario",
            ),
        ],
        class_="graph",
    )


def _times(lines: list[NodeLine]) -> Iterator[Html]:
    most = max((line.count.seconds for line in lines), default=0.0)
    heads = ("Node", "Module", "Operations", "Bundles", "Failed", "Time in the module")
    yield _table("Nodes", "times", heads, (_time_row(line, most) for line in lines))


def _time_row(line: NodeLine, most: float) -> list[Html | str]:
    share = 100 * line.count.seconds / most if most else 0.0
    bar = (
        f'<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{share:.1f}" height="6"/></svg>'
    )
    button = tag(
        "button", line.title, type="button", class_=f"pick {line.outcome}", data_pick=line.id
    )
    count = line.count
    worked = bool(count.operations or count.bundles or count.failed)
    numbers = [str(number) if worked else "" for number in (count.operations, count.bundles)]
    failed = str(count.failed) if count.failed else ""
    took = tag("span", duration(count.seconds) if worked else "")
    return [button, line.module, *numbers, failed, tag("div", [took, Html(bar)], class_="took")]


def _errors(report: Report) -> Iterator[Html]:
    troubles = list(report.troubles())
    if not troubles:
        return
    heads = ("Node", "Error", "Bundle", "Where")
    rows = (
        [
            tag(
                "button",
                f"{one.node_id}, bundle {one.number}",
                type="button",
                class_="pick failed",
                data_pick=one.node_id,
                data_number=str(one.number),
            ),
            tag("span", [tag("strong", one.failure.type), f": {one.failure.message}"]),
            one.failure.bundle,
            one.failure.where,
        ]
        for one in troubles
    )
    yield _table("Errors", "errors", heads, rows)


def _left(stored: Iterable[Incomplete]) -> Iterator[Html]:
    rows = [
        [
            short(one.id),
            one.node_id,
            one.status.value,
            tag("span", [tag("strong", one.failure.type), f": {one.failure.message}"]),
            tag("code", f"fusion incomplete show {short(one.id)}"),
        ]
        for one in stored
    ]
    if rows:
        heads = ("Id", "Node", "Status", "Error", "Next")
        yield _table("Incomplete executions", "incomplete", heads, rows)


def _table(
    title: str, name: str, heads: Iterable[str], rows: Iterable[Iterable[Html | str]]
) -> Html:
    head = tag("tr", [tag("th", word, scope="col") for word in heads])
    body = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    table = tag("table", [tag("thead", head), tag("tbody", body)])
    content = [tag("h2", title, id=name), tag("div", table, class_="rows")]
    return tag("section", content, aria_labelledby=name)
