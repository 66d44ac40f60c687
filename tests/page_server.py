"""A web server for tests of captures, on loopback, that remembers what it was asked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Pages:
    """`pages` maps a path to a page, or to the address that it leads on to."""

    pages: Mapping[str, str]
    root: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Paths in order, each with the header `X-Key` that came with it."""

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def web_pages(pages: Mapping[str, str]) -> Iterator[Pages]:
    """Serve pages while the block runs; `{root}` in a page is the server's own address."""
    served = Pages(pages)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("X-Key")))
            found = served.pages.get(self.path)
            if found is None:
                self.send_error(404)
            elif "<" not in found:
                self.send_response(302)
                self.send_header("Location", found.replace("{root}", served.root))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                body = found.replace("{root}", served.root).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.root = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
