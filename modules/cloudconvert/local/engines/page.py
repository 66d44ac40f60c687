"""One page of a browser: what it may ask for, when it is done, and what is taken of it.

Source: Chrome DevTools Protocol, domains Page, Fetch, Emulation and Runtime.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modules.cloudconvert.local.engines.cdp import Browser
from modules.cloudconvert.local.engines.talk import Failure

DOCUMENT = "http://document.invalid/"
"""Address at which a page finds the file that it is made of; no other page can have it."""
DONE = {
    "load": "load",
    "domcontentloaded": "DOMContentLoaded",
    "networkidle0": "networkIdle",
    "networkidle2": "networkAlmostIdle",
}
"""What Chromium calls the moments that the API names after Puppeteer's."""
MOST_REDIRECTS = 5
LOOK_SECONDS = 0.1
_WEB = ("http", "https")
_INSIDE = ("data", "blob", "about")


@dataclass(slots=True)
class Page:
    """A page. `document` is the file that it shows; without one it is a page of the web."""

    browser: Browser
    document: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent to the origin of the first address alone."""
    asked: set[str] = field(default_factory=set)
    """Hosts with their ports that the page has asked for."""
    session: str = ""
    _frame: str = ""
    _origin: str = ""
    _seen: set[str] = field(default_factory=set)
    _redirects: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: str | None = None

    async def open(self) -> None:
        """Open an empty page whose every request is asked about first."""
        self.browser.on_event = self._take
        made = await self.browser.send("Target.createTarget", url="about:blank")
        attached = await self.browser.send(
            "Target.attachToTarget", targetId=made["targetId"], flatten=True
        )
        self.session = attached["sessionId"]
        await self.browser.send("Browser.setDownloadBehavior", behavior="deny")
        await self.call("Page.enable")
        await self.call("Page.setLifecycleEventsEnabled", enabled=True)
        await self.call("Inspector.enable")
        await asyncio.gather(*self._guard(self.session))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self.browser.send(method, self.session, **parameters)

    def _tell(self, session: str, method: str, **parameters: Any) -> None:
        """Ask for something whose answer means nothing."""
        self.browser.send(method, session, **parameters).add_done_callback(_forget)

    def _guard(self, session: str) -> "list[asyncio.Future[dict[str, Any]]]":
        """Ask to be asked about every request of a page, and of the pages that it will hold."""
        return [
            self.browser.send("Fetch.enable", session, patterns=[{"urlPattern": "*"}]),
            self.browser.send(
                "Target.setAutoAttach",
                session,
                autoAttach=True,
                waitForDebuggerOnStart=True,
                flatten=True,
            ),
        ]

    # What it does

    async def show(self, url: str, moment: str) -> None:
        """Go to an address and return at a moment of `DONE`. Raises Failure if nothing is there."""
        self._origin = _origin_of(url)
        self._seen.clear()
        gone = await self.call("Page.navigate", url=url)
        self._frame = gone["frameId"]
        if text := gone.get("errorText"):
            raise Failure("CONVERSION_FAILED", f"The page cannot be opened: {self._broken or text}")
        while DONE[moment] not in self._seen:
            await self._change()

    async def wait_for(self, selector: str) -> None:
        """Return once an element is there. Raises Failure for what is no selector."""
        text = f"!!document.querySelector({json.dumps(selector)})"
        while True:
            found = await self.call("Runtime.evaluate", expression=text, returnByValue=True)
            if "exceptionDetails" in found:
                raise Failure("INVALID_DATA", f"wait_for_element: no selector: {selector[:100]}")
            if found["result"].get("value") is True:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def print_to(self, target: Path, **options: Any) -> None:
        """Print it to a PDF."""
        made = await self.call("Page.printToPDF", transferMode="ReturnAsStream", **options)
        with target.open("wb") as file:
            while True:
                part = await self.call("IO.read", handle=made["stream"], size=1 << 20)
                data = part["data"]
                file.write(base64.b64decode(data) if part.get("base64Encoded") else data.encode())
                if part.get("eof"):
                    return

    async def size(self) -> tuple[int, int]:
        """Return width and height of all of its content, in pixels."""
        metrics = await self.call("Page.getLayoutMetrics")
        size = metrics["cssContentSize"]
        return round(size["width"]), round(size["height"])

    async def side_of_picture(self) -> tuple[int, int]:
        """Return width and height of its only picture. Raises Failure for one that is none."""
        text = "[document.images[0].naturalWidth, document.images[0].naturalHeight]"
        found = await self.call("Runtime.evaluate", expression=text, returnByValue=True)
        width, height = found["result"]["value"]
        if not width or not height:
            raise Failure("OPEN_FAILED", "The drawing cannot be read")
        return width, height

    async def _change(self) -> None:
        if self._broken is not None:
            raise Failure("CONVERSION_FAILED", self._broken)
        await self._changed.wait()
        self._changed.clear()

    # What it says

    def _take(self, name: str, event: dict[str, Any], session: str) -> None:
        match name:
            case "Fetch.requestPaused":
                self._decide(event, session)
            case "Target.attachedToTarget":
                # A frame with a process of its own: it stands still until it is guarded too.
                for answer in self._guard(event["sessionId"]):
                    answer.add_done_callback(_forget)
                self._tell(event["sessionId"], "Runtime.runIfWaitingForDebugger")
            case "Page.lifecycleEvent" if event.get("frameId") == self._frame or not self._frame:
                if event["name"] == "init":
                    self._seen.clear()
                self._seen.add(event["name"])
            case "Page.javascriptDialogOpening":
                self._tell(session, "Page.handleJavaScriptDialog", accept=False)
            case "Inspector.targetCrashed":
                self._broken = "The page crashed"
        self._changed.set()

    def _decide(self, event: dict[str, Any], session: str) -> None:
        """Let a request through, answer it, or end it."""
        request, url = event["requestId"], event["request"]["url"]
        if self.document is not None and url == DOCUMENT:
            self._tell(
                session,
                "Fetch.fulfillRequest",
                requestId=request,
                responseCode=200,
                responseHeaders=[{"name": "Content-Type", "value": _type_of(self.document)}],
                body=base64.b64encode(self.document).decode(),
            )
        elif not self._may(event):
            self._tell(session, "Fetch.failRequest", requestId=request, errorReason="AccessDenied")
        elif self.headers and _origin_of(url) == self._origin:
            own = {**event["request"]["headers"], **self.headers}
            listed = [{"name": name, "value": value} for name, value in own.items()]
            self._tell(session, "Fetch.continueRequest", requestId=request, headers=listed)
        else:
            self._tell(session, "Fetch.continueRequest", requestId=request)

    def _may(self, event: dict[str, Any]) -> bool:
        """Say whether a request may go out; files and strange schemes never."""
        parts = urlsplit(event["request"]["url"])
        scheme = parts.scheme
        if scheme in _INSIDE:
            return True
        if scheme not in _WEB or self.document is not None:
            return False
        if "redirectedRequestId" in event and event.get("resourceType") == "Document":
            self._redirects += 1
            if self._redirects > MOST_REDIRECTS:
                self._broken = f"more than {MOST_REDIRECTS} redirects"
                return False
        self.asked.add(f"{parts.hostname}:{parts.port or (443 if scheme == 'https' else 80)}")
        return True


def _forget(answer: "asyncio.Future[dict[str, Any]]") -> None:
    """Take note of an answer that means nothing: what asked is gone already, at worst."""
    if not answer.cancelled():
        answer.exception()


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _type_of(document: bytes) -> str:
    """Return what to call a page: in UTF-8 if it is that, else what it says itself."""
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        return "text/html"
    return "text/html; charset=utf-8"
