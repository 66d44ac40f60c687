"""capture-website and HTML files by a real Chromium, checked by Poppler and Pillow."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cloudconvert_embedded import only, server
from local_server import TOKEN, Local, serving, task_of
from outside_tools import pdf_facts, pdf_picture, pdf_text
from page_server import web_pages
from PIL import Image
from processes import are_gone, linux_only, processes_of

from engine.connect.fetch import guarded_fetch
from modules.cloudconvert.capture_website import CaptureWebsite
from modules.cloudconvert.local import inventory
from modules.cloudconvert.local.isolation import Isolation
from modules.cloudconvert.local.settings import Settings

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("pdftotext"),
    pytest.mark.needs("qpdf"),
]

PAGE = (
    "<body style='margin:0;background:#ff0000'><h1>Captured</h1><p id=p></p>"
    "<script>document.getElementById('p').textContent = 'by ' + 'script'</script>"
)


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    fetch = guarded_fetch(allow_private_networks=True)
    async with serving(tmp_path / "data", fetch=fetch) as running:
        yield running


async def captured(local: Local, url: str, output_format: str, **options: Any) -> dict[str, Any]:
    """Capture a page and return the ended task, with its file's `content` if there is one."""
    job = await local.create(
        {
            "page": {
                "operation": "capture-website",
                "url": url,
                "output_format": output_format,
                **options,
            },
            "export": {"operation": "export/url", "input": "page"},
        }
    )
    ended = await local.ended(job["id"])
    task = task_of(ended, "page")
    if ended["status"] == "finished":
        [file] = task_of(ended, "export")["result"]["files"]
        task["content"] = (await local.plain.get(file["url"])).content
        task["filename"] = file["filename"]
    return task


def picture_of(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


async def test_a_page_becomes_a_pdf_with_what_its_script_wrote(
    local: Local, tmp_path: Path
) -> None:
    with web_pages({"/": PAGE}) as web:
        task = await captured(
            local, f"{web.root}/", "pdf", page_format="A5", page_orientation="landscape"
        )
    assert (task["status"], task["engine"], task["credits"]) == ("finished", "chrome", 1)
    assert task["filename"] == "127.0.0.1.pdf"
    facts = pdf_facts(tmp_path, task["content"])
    assert facts["Pages"] == "1"
    width, _, height, *_ = facts["Page size"].split()
    assert (float(width), float(height)) == pytest.approx((595, 420), abs=2)
    assert pdf_text(tmp_path, task["content"]).split() == ["Captured", "by", "script"]


PAPER = (
    "<style>@media print { .s { display: none } } @media screen { .p { display: none } }"
    "body { margin: 0 } div { break-after: page }</style>"
    "<div><b class=p>printed</b><b class=s>shown</b></div><div>second</div><div>third</div>"
)


async def test_each_option_of_a_pdf_does_what_it_says(local: Local, tmp_path: Path) -> None:
    with web_pages({"/": PAPER}) as web:

        async def text(**options: Any) -> list[str]:
            task = await captured(local, f"{web.root}/", "pdf", **options)
            assert task["status"] == "finished", task
            return pdf_text(tmp_path, task["content"]).split()

        assert await text() == ["printed", "second", "third"]
        assert await text(pages="1, 3") == ["printed", "third"]
        assert await text(css_media_type="screen") == ["shown", "second", "third"]
        template = "<span style='font-size:12px'>%s <b class='pageNumber'></b></span>"
        ends = {"header_template": template % "head", "footer_template": template % "foot"}
        margins = {"margin_top": 30, "margin_bottom": 30}
        assert "head" not in await text(pages="2", **ends, **margins)
        assert await text(pages="2", display_header_footer=True, **ends, **margins) == [
            *("head", "2", "second", "foot", "2")
        ]


async def test_a_pdf_has_the_paper_margins_and_scale_that_are_asked_for(
    local: Local, tmp_path: Path
) -> None:
    box = "<body style='margin:0;background:#ff0000'><p style='margin:0'>corner</p>"
    with web_pages({"/": box}) as web:

        async def page(**options: Any) -> Image.Image:
            wide = {"page_width": 10, "page_height": 5, **options}
            task = await captured(local, f"{web.root}/", "pdf", **wide)
            facts = pdf_facts(tmp_path, task["content"])
            sides = [float(side) for side in facts["Page size"].split()[0:3:2]]
            assert sides == pytest.approx([283.5, 141.7], abs=1)
            return pdf_picture(tmp_path, task["content"])

        def ink(picture: Image.Image) -> tuple[int, int, int, int]:
            """Return the box around what is black, in millimetres."""
            found = picture.convert("L").point(lambda level: 255 * (level < 50)).getbbox()
            assert found is not None
            left, top, right, bottom = (round(edge * 100 / picture.width) for edge in found)
            return left, top, right, bottom

        narrow = dict.fromkeys(("margin_top", "margin_left", "margin_right", "margin_bottom"), 0)
        plain = await page(**narrow)
        moved = await page(**{**narrow, "margin_left": 30, "margin_top": 20})
        large = await page(**narrow, zoom=2)
        white = await page(**narrow, print_background=False)
    assert plain.getpixel((plain.width // 2, plain.height // 2)) == (255, 0, 0)
    assert white.getpixel((white.width // 2, white.height // 2)) == (255, 255, 255)
    (left, top, right, bottom), (away, below, *_) = ink(plain), ink(moved)
    assert (away - left, below - top) == pytest.approx((30, 20), abs=1)
    twice = ink(large)
    assert twice[2] - twice[0] == pytest.approx(2 * (right - left), abs=1)
    assert twice[3] - twice[1] == pytest.approx(2 * (bottom - top), abs=1)


async def test_a_picture_shows_the_whole_page_or_the_screen_that_is_wanted(local: Local) -> None:
    tall = "<body style='margin:0'><div style='height:6000px;background:#0000ff'>x</div>"
    with web_pages({"/tall": tall}) as web:
        whole = await captured(local, f"{web.root}/tall", "png", screen_width=400)
        screen = await captured(
            local,
            f"{web.root}/tall",
            "jpg",
            screen_width=400,
            screen_height=300,
            width=200,
            wait_until="networkidle0",
        )
    image = picture_of(whole["content"])
    assert (image.format, image.size) == ("PNG", (400, 6000))
    assert image.getpixel((200, 5900)) == (0, 0, 255)
    assert (picture_of(screen["content"]).format, picture_of(screen["content"]).size) == (
        "JPEG",
        (200, 150),
    )


async def test_a_capture_waits_for_an_element_that_a_script_brings(
    local: Local, tmp_path: Path
) -> None:
    late = (
        "<p>first</p><script>setTimeout(() => { const e = document.createElement('b');"
        "e.id = 'late'; e.textContent = 'later'; document.body.append(e) }, 300)</script>"
    )
    with web_pages({"/": late}) as web:
        task = await captured(local, f"{web.root}/", "pdf", wait_for_element="#late")
        broken = await captured(local, f"{web.root}/", "pdf", wait_for_element="][")
    assert "later" in pdf_text(tmp_path, task["content"])
    assert broken["code"] == "INVALID_DATA"


async def test_headers_go_to_the_pages_own_origin_alone(local: Local) -> None:
    with web_pages({"/strange.png": "<p>"}) as other, web_pages({}) as web:
        strange = f"{other.root}/strange.png"
        web.pages = {"/": f"<img src='/own.png'><img src='{strange}'>", "/away": strange}
        await captured(local, f"{web.root}/", "pdf", headers={"X-Key": "k"})
        await captured(local, f"{web.root}/away", "pdf", headers={"X-Key": "k"})
    assert {("/", "k"), ("/own.png", "k"), ("/away", "k")} <= set(web.asked)
    assert set(other.asked) >= {("/strange.png", None)}
    assert "k" not in {key for _, key in other.asked}


async def test_a_page_reaches_no_address_that_is_not_allowed(tmp_path: Path) -> None:
    with web_pages({"/": PAGE}) as web:
        async with serving(tmp_path / "data", fetch=guarded_fetch()) as local:
            for url in (
                f"{web.root}/",
                web.root.replace("127.0.0.1", "localhost"),
                "http://169.254.169.254/latest/meta-data/",
                "http://[::ffff:127.0.0.1]/",
            ):
                task = await captured(local, url, "pdf")
                assert task["status"] == "error"
                assert "not allowed" in task["message"]
    assert web.asked == []


async def test_what_a_page_names_and_redirects_to_is_checked_like_itself(
    tmp_path: Path,
) -> None:
    """Only one port may be asked here: the address of everything else is refused."""
    with web_pages({"/": PAGE}) as inner, web_pages({}) as web:
        port = int(web.root.rpartition(":")[2])
        fetch = guarded_fetch(allow_private_networks=True, allowed_ports=[port])
        web.pages = {
            "/": (
                f"<p>seen</p><img src='{inner.root}/'><iframe src='{inner.root}/'></iframe>"
                f"<script>fetch('{inner.root}/').catch(() => 0)</script>"
                f"<script>new WebSocket('{inner.root.replace('http', 'ws')}/')</script>"
            ),
            "/hop": f"{inner.root}/",
            "/loop": "/loop",
            "/file": "file:///etc/passwd",
        }
        async with serving(tmp_path / "data", fetch=fetch) as local:
            page = await captured(local, f"{web.root}/", "pdf", wait_until="networkidle0")
            ends = [
                await captured(local, f"{web.root}/{path}", "pdf")
                for path in ("hop", "loop", "file")
            ]
    assert page["status"] == "finished", page["message"]
    assert "seen" in pdf_text(tmp_path, page["content"])
    assert [one["status"] for one in ends] == ["error"] * 3
    assert inner.asked == []
    assert web.paths.count("/loop") <= 6


async def test_html_files_read_no_other_file_and_reach_nothing(
    local: Local, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("SECRET-TEXT")
    with web_pages({"/": PAGE}) as web:
        html = (
            f"<p>Größe</p><iframe src='{secret.as_uri()}'></iframe><img src='{web.root}/'>"
            f"<object data='{secret.as_uri()}'></object><embed src='{secret}'>"
            f"<script>fetch('{secret.as_uri()}').then(r => r.text())"
            ".then(t => document.body.append(t))</script>"
        )
        wanted = {"operation": "convert", "output_format": "pdf"}
        [pdf] = (await local.results({"-a.html": html.encode()}, wanted)).values()
    assert pdf_text(tmp_path, pdf).split() == ["Größe"]
    assert web.asked == []


@pytest.mark.parametrize("target", ["pdf", "png", "jpg"])
async def test_drawings_keep_their_size_and_fetch_nothing(
    local: Local, tmp_path: Path, target: str
) -> None:
    with web_pages({"/": PAGE}) as web:
        svg = (
            "<svg xmlns='http://www.w3.org/2000/svg' width='96' height='48'>"
            f"<rect width='96' height='48' fill='#00ff00'/><image href='{web.root}/'/>"
            f"<script>fetch('{web.root}/')</script></svg>"
        )
        wanted = {"operation": "convert", "output_format": target, "engine": "chrome"}
        [made] = (await local.results({"a.svg": svg.encode()}, wanted)).values()
    assert web.asked == []
    if target == "pdf":
        assert pdf_facts(tmp_path, made)["Page size"].startswith("72 x 36 pts")
    else:
        image = picture_of(made).convert("RGB")
        assert image.size == (96, 48)
        assert image.getpixel((48, 24))[1] > 200  # type: ignore[index]  # of RGB


@pytest.mark.needs("pandoc")
async def test_markdown_becomes_a_pdf_by_way_of_html(local: Local, tmp_path: Path) -> None:
    wanted = {"operation": "convert", "output_format": "pdf"}
    files = {"a.md": "# Über\n\n- one\n".encode(), "b.md": b"# Two\n"}
    results = await local.results(files, wanted)
    assert list(results) == ["a.pdf", "b.pdf"]
    assert "Über" in pdf_text(tmp_path, results["a.pdf"])


@linux_only
async def test_a_page_that_never_ends_is_killed_with_all_its_processes(tmp_path: Path) -> None:
    fetch = guarded_fetch(allow_private_networks=True)
    with web_pages({"/": "<script>document.title = 1; while (true) {}</script>"}) as web:
        async with serving(tmp_path / "data", fetch=fetch) as local:
            job = await local.create(
                {
                    "page": {
                        "operation": "capture-website",
                        "url": f"{web.root}/",
                        "output_format": "pdf",
                        "timeout": 600,
                    }
                }
            )
            task = task_of(job, "page")["id"]
            while "/" not in web.paths:
                await local.get(f"/v2/tasks/{task}")
            pids = processes_of(task)
            assert len(pids) >= 2
            reply = await local.http.post(f"/v2/tasks/{task}/cancel")
            assert reply.json()["data"]["code"] == "CANCELLED"
            assert are_gone(pids)
            assert processes_of(task) == []


async def test_captures_work_where_the_system_allows_no_network_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_programs: str) -> Isolation:
        return Isolation()

    monkeypatch.setattr(inventory, "find_isolation", none)
    fetch = guarded_fetch(allow_private_networks=True)
    with web_pages({"/": PAGE}) as web:
        async with serving(tmp_path / "data", fetch=fetch, settings=Settings(TOKEN)) as local:
            task = await captured(local, f"{web.root}/", "pdf")
    assert "script" in pdf_text(tmp_path, task["content"])


async def test_the_module_captures_a_page_on_the_embedded_server(tmp_path: Path) -> None:
    fetch = guarded_fetch(allow_private_networks=True)
    with web_pages({"/": PAGE}) as web:
        async with server(tmp_path, fetch) as world:
            bundle = await only(
                CaptureWebsite,
                world,
                url=f"{web.root}/",
                output_format="png",
                options=[{"name": "screen_width", "value": "500"}],
                download_file=True,
            )
            reply = await world.http.request("GET", "/operations")
    assert bundle["file"].name == "127.0.0.1.png"
    listed = [one for one in reply.body["data"] if one["operation"] == "capture-website"]
    assert {one["output_format"] for one in listed} == {"pdf", "png", "jpg"}
