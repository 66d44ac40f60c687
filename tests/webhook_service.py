"""CloudConvert's webhooks on loopback: who is registered, and deliveries signed as there."""

import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx


@dataclass
class WebhookService:
    """`webhooks` are those that are registered now, by id; `secrets` of all there ever were."""

    url: str = ""
    webhooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[int, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    is_readable: bool = True
    """Whether the key has the scope `webhook.read`."""

    def register(self, body: Mapping[str, Any]) -> dict[str, Any]:
        number = len(self.secrets) + 1
        self.secrets[number] = f"secret-of-webhook-{number}"
        made = {"id": number, "signing_secret": self.secrets[number], **body}
        self.webhooks[number] = made
        return made

    def deliver(self, number: int, event: Mapping[str, Any], *, secret: str | None = None) -> int:
        """Send an event to a webhook's URL and return the status of the answer."""
        body = json.dumps(event).replace("/", "\\/").encode()
        key = (secret or self.secrets[number]).encode()
        headers = {
            "content-type": "application/json",
            "cloudconvert-signature": hmac.new(key, body, "sha256").hexdigest(),
        }
        url = self.webhooks[number]["url"]
        return httpx.post(url, content=body, headers=headers, trust_env=False).status_code


@contextmanager
def webhook_service() -> Iterator[WebhookService]:
    service = WebhookService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found: list[Any] = []
            if not service.is_readable:
                message = "Invalid scope(s) provided."
                return self._answer(403, {"message": message, "code": "FORBIDDEN"})
            if self.path.startswith("/v2/webhooks"):
                [wanted] = parse_qs(urlsplit(self.path).query)["filter[url]"]
                found = [one for one in service.webhooks.values() if one["url"] == wanted]
            return self._answer(200, {"data": found})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._answer(201, {"data": service.register(body)})

        def do_DELETE(self) -> None:
            gone = service.webhooks.pop(int(self.path.rpartition("/")[2]), None)
            self._answer(404 if gone is None else 204, None)

        def _answer(self, status: int, value: Any) -> None:
            service.lines.append(f"{self.command} {urlsplit(self.path).path}")
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}/v2"
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield service
        server.shutdown()
        serving.join()
