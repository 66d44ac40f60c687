"""A real Chromium without a window, driven over its own protocol on two pipes.

Source: Chrome DevTools Protocol, `--remote-debugging-pipe`: JSON messages that end in a zero byte.
Nothing can go out: no name of a host resolves.
"""

import fcntl
import json
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
PATIENCE_SECONDS = 120
"""How long one answer may take on a busy machine."""

KEYS = {
    "Enter": (13, "\r"),
    "Tab": (9, ""),
    " ": (32, " "),
    "ArrowDown": (40, ""),
    "ArrowRight": (39, ""),
}


class Browser:
    """A running Chromium; `opened` shows a file in a tab of its own."""

    def __init__(self, out: int, into: int) -> None:
        self._out = out
        self._into = into
        self._read = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come before it are remembered."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> None:
        """Return once an event has come, now or before."""
        while not any(self._is(event, method, session) for event in self.events):
            self.events.append(self._message())

    @contextmanager
    def opened(self, path: Path, *, dark: bool = False) -> Iterator["Page"]:
        """Open a file, and wait until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable", session)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", session, features=[scheme])
        self.events.clear()
        self.call("Page.navigate", session, url=path.absolute().as_uri())
        self.wait_for("Page.loadEventFired", session)
        yield Page(self, session)
        self.call("Target.closeTarget", targetId=target)

    @staticmethod
    def _is(event: dict[str, Any], method: str, session: str) -> bool:
        return event.get("method") == method and event.get("sessionId") == session

    def _message(self) -> dict[str, Any]:
        deadline = monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._out], [], [], max(0.0, deadline - monotonic()))
            part = os.read(self._out, 1 << 20) if ready else b""
            assert part, "Chromium does not answer"
            self._read += part
        text, _, self._read = self._read.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


class Page:
    """A file that is shown."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to."""
        answer = self._browser.call(
            "Runtime.evaluate", self._session, expression=expression, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key, as a person does."""
        code, text = KEYS[key]
        facts = {"key": key, "windowsVirtualKeyCode": code, "code": key}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self._browser.call("Input.dispatchKeyEvent", self._session, **facts, **down)
        self._browser.call("Input.dispatchKeyEvent", self._session, **facts, type="keyUp")

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._browser.call("Emulation.setDeviceMetricsOverride", self._session, **size)

    def complaints(self) -> list[str]:
        """Return errors of scripts, refusals by the page's policy, and what else was logged."""
        self.value("1")
        names = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(one) for one in self._browser.events if one.get("method") in names]

    def requests(self) -> list[str]:
        """Return the addresses of everything that was asked for."""
        return [
            one["params"]["request"]["url"]
            for one in self._browser.events
            if one.get("method") == "Network.requestWillBeSent"
        ]


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile, and end it."""
    from_browser, their_out = os.pipe()
    their_into, to_browser = os.pipe()
    high_into, high_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (their_into, their_out))
    words = ["chromium", *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{high_into} 4>&{high_out}', "bash", *words],
        pass_fds=(high_into, high_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for fd in (their_out, their_into, high_into, high_out):
        os.close(fd)
    try:
        browser = Browser(from_browser, to_browser)
        yield browser
        browser.call("Browser.close")
        process.wait(PATIENCE_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(from_browser)
        os.close(to_browser)
