"""The page of a run and the picture of a scenario in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, chromium
from front_door import PEOPLE, fusion, write

pytestmark = pytest.mark.needs("chromium")

HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">\'&lt;--'

SCENARIO = {
    "name": f"Name {HOSTILE}",
    "settings": {"store_incomplete_executions": True},
    "flow": [
        {
            "id": "person",
            "module": "tools.basic_trigger",
            "label": f"Label {HOSTILE}",
            "with": {
                "bundles": [
                    {"name": HOSTILE, "age": 1, "__proto__": {"x": HOSTILE}, "tags": [[1], None]},
                    {"name": "line\u2028\u202eend", "age": None, HOSTILE: "as a name"},
                    {"name": "many", "age": 3, "tags": list(range(450)), "long": "x" * 5000},
                ]
            },
        },
        {
            "id": "check",
            "module": "flow.throw",
            "with": {
                "type": "DataError",
                "message": "refused {{ person.name }}",
                "when": "{{ person.age == null }}",
            },
            "on_error": [{"module": "flow.break"}],
        },
        {
            "id": "next",
            "module": "tools.set_variables",
            "filter": "{{ person.name != '<b>' }}",
            "with": {"variables": {"name": "{{ person.name }}"}},
        },
    ],
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the hostile scenario and return its report."""
    monkeypatch.chdir(tmp_path)
    write("hostile.yaml", json.dumps(SCENARIO))
    result = fusion("run", "hostile.yaml", "--report", "run.html")
    assert result.exit_code == 3, result.stderr
    return tmp_path / "run.html"


def test_the_report_opens_offline_and_runs_nothing_but_its_own_script(
    browser: Browser, page: Path
) -> None:
    with browser.opened(page) as shown:
        assert shown.complaints() == []
        assert shown.requests() == [page.as_uri()]
        assert shown.value("window.hacked") is None
        assert shown.value("document.images.length") == 0
        assert shown.value("document.scripts.length") == 2
        assert shown.value("document.querySelector('h1').textContent").startswith(f"Name {HOSTILE}")
        assert shown.value("Object.prototype.x") is None


def test_the_policy_of_the_report_stops_a_script_that_is_put_into_it(
    browser: Browser, page: Path
) -> None:
    changed = page.with_name("changed.html")
    put = "<script>window.hacked=1</script><img src=x.png onerror='window.hacked=2'></body>"
    changed.write_text(page.read_text().replace("</body>", put))

    with browser.opened(changed) as shown:
        assert shown.value("window.hacked") is None
        assert any("Content Security Policy" in one for one in shown.complaints())


def test_hostile_bundles_are_shown_as_text(browser: Browser, page: Path) -> None:
    with browser.opened(page) as shown:
        shown.value("document.querySelector('[data-pick=person]').click()")
        tree = shown.value("document.getElementById('inspector').innerText")
        assert HOSTILE in tree
        shown.value("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        names = shown.value("[...document.querySelectorAll('.tree .name')].map(e => e.textContent)")
        assert "__proto__" in names
        assert HOSTILE in names
        texts = shown.value("[...document.querySelectorAll('.tree .text')].map(e => e.textContent)")
        assert "line\u2028\\u202eend" in texts
        assert shown.value("window.hacked") is None
        assert shown.complaints() == []


def test_the_inspector_shows_what_fields_came_to(browser: Browser, page: Path) -> None:
    with browser.opened(page) as shown:
        shown.value("document.querySelector('[data-pick=next]').click()")
        shown.value("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        text = shown.value("document.getElementById('inspector').innerText")
        fields = text[text.index("fields") : text.index("emitted")]
        assert "variables" in fields
        assert HOSTILE in fields


def test_the_report_begins_with_what_failed(browser: Browser, page: Path) -> None:
    with browser.opened(page) as shown:
        inspector = shown.value("document.getElementById('inspector').innerText")
        assert "check" in inspector
        assert "DataError: refused line" in inspector


def test_the_sign_of_a_node_that_failed_differs_from_its_colour(
    browser: Browser, page: Path
) -> None:
    style = (
        "getComputedStyle(document.querySelector('.directive.partly .{}, .directive.failed .{}'))"
    )
    with browser.opened(page) as shown:
        sign = shown.value(f"{style.format('glyph', 'glyph')}.stroke")
        assert sign == "rgb(255, 255, 255)"
        assert shown.value(f"{style.format('shape', 'shape')}.fill") != sign


def test_a_large_picture_is_shown_whole_if_one_wants(browser: Browser, page: Path) -> None:
    width = "document.querySelector('.picture').getBoundingClientRect().width"
    with browser.opened(page) as shown:
        shown.resize(500, 900)
        own = shown.value(width)
        shown.value("document.getElementById('whole').click()")
        assert shown.value(width) < 460 < own
        assert shown.value("document.getElementById('whole').ariaPressed") == "true"
        shown.value("document.getElementById('whole').click()")
        assert shown.value(width) == own


def test_long_texts_and_arrays_are_shown_in_parts(browser: Browser, page: Path) -> None:
    count = "document.querySelectorAll('.tree .tree .tree > li').length"
    with browser.opened(page) as shown:
        shown.value("document.querySelector('[data-pick=person]').click()")
        shown.value("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        shown.value("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        buttons = "[...document.querySelectorAll('.operation > :last-child .more')]"
        more = f"{buttons}.map((one) => one.textContent)"
        assert shown.value(more) == ["show more (250 left)", "show all 5000 characters"]
        before = shown.value(count)
        shown.value(f"{buttons}[0].click()")
        assert shown.value(count) > before
        shown.value(f"{buttons}[1].click()")
        assert "x" * 5000 in shown.value("document.getElementById('inspector').innerText")


def test_the_report_is_used_with_the_keyboard_alone(browser: Browser, page: Path) -> None:
    focused = "document.activeElement.dataset.node || document.activeElement.dataset.pick || ''"
    with browser.opened(page) as shown:
        for _ in range(3):  # the button above the picture, then the picture, which scrolls
            shown.press("Tab")
        reached = []
        for _ in range(3):
            reached.append(shown.value(focused))
            shown.press("Tab")
        assert reached[0] == "person"
        shown.value("document.querySelector('[data-node=next]').focus()")
        assert (
            shown.value(
                "getComputedStyle(document.activeElement.querySelector('.shape')).strokeWidth"
            )
            == "4px"
        )
        shown.press("Enter")
        assert shown.value("document.querySelector('#inspector h3').textContent") == "next"
        assert shown.value("document.activeElement.textContent") == "next"
        assert shown.value("document.querySelector('[data-node=next]').ariaPressed") == "true"
        shown.press("Tab")
        shown.press("Tab")
        assert shown.value("document.activeElement.className") == "turn after"
        shown.press("Enter")
        assert shown.value("document.querySelector('#inspector select').selectedIndex") == 1
        shown.press("Tab")
        shown.press("Tab")
        shown.press(" ")
        assert shown.complaints() == []


WORKS = """\
from datetime import timedelta

from engine.errors import DataError
from engine.module import Bundle, Context, Effect, Fields, Module


class Number(Fields):
    nr: int


class Work(Module[Number, Bundle]):
    id = "own.work"
    effect = Effect.READ

    async def execute(self, fields, ctx):
        if fields.nr == 13:
            raise DataError("unlucky")
        yield {"nr": fields.nr}
"""
WORKED = """\
flow:
  - {id: count, module: flow.repeater, with: {repeats: 30}}
  - {id: work, module: own.work, with: {nr: "{{ count.i }}"}, on_error: [module: flow.ignore]}
"""


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run something that works on thirty bundles, and return its report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    write("own/work.py", WORKS)
    write("worked.yaml", WORKED)
    result = fusion("run", "worked.yaml", "--modules", "own", "--report", "run.html")
    assert result.exit_code == 0, result.stderr
    return tmp_path / "run.html"


BAR = "document.querySelector('[data-bars=work] [data-number=\"{}\"]')"
CLICK = BAR + ".dispatchEvent(new Event('click'))"
INSPECTOR = "document.getElementById('inspector').innerText"


def test_a_bar_of_the_timeline_shows_its_bundle(browser: Browser, worked: Path) -> None:
    selected = "document.querySelector('#inspector select').selectedOptions[0].textContent"
    with browser.opened(worked) as shown:
        shown.value(CLICK.format(3))
        assert shown.value(selected) == "bundle 3"
        assert shown.value("document.activeElement.textContent") == "work"
        assert "is not kept" not in shown.value(INSPECTOR)
        shown.value(CLICK.format(13))
        assert "DataError: unlucky" in shown.value(INSPECTOR)
        shown.value(CLICK.format(16))
        assert "Bundle 16 is not kept" in shown.value(INSPECTOR)
        shown.value("document.querySelector('#inspector .after').click()")
        assert "is not kept" not in shown.value(INSPECTOR)
        assert shown.complaints() == []


def test_bars_are_one_stop_of_the_tab_key_and_arrows_go_between_them(
    browser: Browser, worked: Path
) -> None:
    focused = "document.activeElement.dataset.number"
    with browser.opened(worked) as shown:
        stops = "document.querySelectorAll('[data-bars=work] [tabindex=\"0\"]').length"
        assert shown.value(stops) == 1
        shown.value("document.querySelector('[data-bars=work] rect').focus()")
        for _ in range(4):
            shown.press("ArrowRight")
        assert shown.value(focused) == "5"
        assert shown.value(stops) == 1
        assert shown.value("document.activeElement.ariaLabel").startswith("bundle 5: ")
        shown.press("Enter")
        assert "bundle 5" in shown.value(INSPECTOR)
        assert shown.value("document.activeElement.textContent") == "work"


@pytest.mark.parametrize("dark", [False, True])
def test_the_report_is_readable_in_light_and_dark(browser: Browser, page: Path, dark: bool) -> None:
    pairs = (
        ("body", "body"),
        ("dt", "body"),
        ("aside .name", "aside"),
        ("aside .text", "aside"),
        ("main td", "main section"),
        ("main .pick", "main section"),
        (".failure strong", ".failure"),
        (".legend li", "main section"),
    )
    with browser.opened(page, dark=dark) as shown:
        for text, ground in pairs:
            ink = shown.value(f"getComputedStyle(document.querySelector('{text}')).color")
            paper = shown.value(
                f"getComputedStyle(document.querySelector('{ground}')).backgroundColor"
            )
            assert contrast(ink, paper) >= 4.5, (text, ink, paper)
        for text in ("title", "module", "initials"):
            ink = shown.value(f"getComputedStyle(document.querySelector('.node .{text}')).fill")
            ground = ".node .shape" if text == "initials" else "main section"
            part = "fill" if text == "initials" else "backgroundColor"
            paper = shown.value(f"getComputedStyle(document.querySelector('{ground}')).{part}")
            assert contrast(ink, paper) >= 4.5, (text, ink, paper)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours. Source: WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_nothing_is_wider_than_a_narrow_screen_but_what_can_be_scrolled(
    browser: Browser, page: Path
) -> None:
    with browser.opened(page) as shown:
        shown.resize(420, 900)
        assert shown.value("document.documentElement.scrollWidth") <= 420


def test_what_is_written_in_a_picture_fits_where_it_was_meant_to(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    long = PEOPLE.replace("id: next", "id: next\n    label: Wide WORDS make a long label here")
    fusion("graph", write("people.yaml", long), "-o", "people.svg")

    with browser.opened(tmp_path / "people.svg") as shown:
        widths = shown.value(
            "[...document.querySelectorAll('.node text')].map((one) => one.getBBox().width)"
        )
        assert len(widths) > 6
        assert max(widths) < 166
        assert shown.complaints() == []
        assert shown.requests() == [(tmp_path / "people.svg").as_uri()]
        assert shown.value("document.documentElement.getBBox().width") > 300
