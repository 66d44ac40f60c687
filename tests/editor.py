"""An editor as far as a language server can tell: opens files, and reads what is said of them."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SETTINGS = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
        "kubernetesCRDStore": {"enable": False},
    },
    "http": {"proxyStrictSSL": True},
}


class Editor:
    """Talks to a language server by its standard input and output."""

    def __init__(self, server: "subprocess.Popen[bytes]", folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._last_id = 0

    def start(self) -> None:
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": self._folder.as_uri(),
                "capabilities": {
                    "workspace": {"configuration": True, "didChangeConfiguration": {}},
                    "textDocument": {"publishDiagnostics": {}},
                },
            },
        )
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": SETTINGS})

    def problems(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a file and return the diagnostics that the server publishes for it."""
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self._read()
            if message.get("method") == "textDocument/publishDiagnostics":
                if message["params"]["uri"] == uri:
                    return list(message["params"]["diagnostics"])
            else:
                self._serve(message)

    def ask_at(self, method: str, name: str, line: int, character: int) -> Any:
        """Ask of a place in an open file; both count from 0."""
        uri = (self._folder / name).as_uri()
        where = {"line": line, "character": character}
        return self.ask(method, {"textDocument": {"uri": uri}, "position": where})

    def ask(self, method: str, params: Any) -> Any:
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._last_id and "method" not in message:
                return message.get("result")
            self._serve(message)

    def _serve(self, message: dict[str, Any]) -> None:
        """Answer what the server asks of the editor."""
        if "id" not in message or "method" not in message:
            return
        result: Any = None
        if message["method"] == "workspace/configuration":
            sections = [item.get("section", "") for item in message["params"]["items"]]
            result = [SETTINGS.get(section, {}) for section in sections]
        self._send({"id": message["id"], "result": result})

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self._server.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        length = 0
        while line := self._server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server ended"
        return dict(json.loads(self._server.stdout.read(length)))


@contextmanager
def yaml_editor(folder: Path) -> Iterator[Editor]:
    """Run yaml-language-server for the files of a folder."""
    with subprocess.Popen(
        ["yaml-language-server", "--stdio"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        editor = Editor(server, folder)
        try:
            editor.start()
            yield editor
        finally:
            server.kill()
