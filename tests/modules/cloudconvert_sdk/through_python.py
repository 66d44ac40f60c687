"""Goes through the server with the official SDK for Python, in a process of its own.

Called with the server's root, key and signing secret and a folder that holds `in.png`. Prints what
it saw as one JSON object; `through_node.mjs` does the same with the other SDK.
"""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import cloudconvert
from cloudconvert import Job, SignedUrl, Task, Webhook

root, key, secret = sys.argv[1:4]
folder = Path(sys.argv[4])

CONVERTED = {
    "in": {"operation": "import/upload"},
    "jpg": {"operation": "convert", "input": "in", "output_format": "jpg", "width": 20},
    "out": {"operation": "export/url", "input": "jpg"},
}
RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}
LINKED = {"tasks": {"in": RAW, "out": {"operation": "export/url", "input": "in"}}}

told: Queue[tuple[str, str]] = Queue()


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length).decode()
        told.put((body, self.headers["CloudConvert-Signature"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        return


def hooked() -> str:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/hook"


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - loopback
        content: bytes = reply.read()
    return content


def conversion() -> dict[str, Any]:
    job = Job.create({"tag": "sdk", "tasks": CONVERTED})
    uploaded = Task.upload(str(folder / "in.png"), job["tasks"][0])
    ended = Job.wait(job["id"])
    export = next(task for task in ended["tasks"] if task["name"] == "out")
    file = Task.wait(export["id"])["result"]["files"][0]
    cloudconvert.download(file["url"], str(folder / "out.jpg"))
    return {
        "uploaded": uploaded,
        "status": ended["status"],
        "filename": file["filename"],
        "size": file["size"],
        "received": (folder / "out.jpg").stat().st_size,
        "shown": Job.find(job["id"])["status"],
        "listed": [one["id"] == job["id"] for one in Job.all({"filter[tag]": "sdk"})],
        "tasks": [
            one["operation"]
            for one in Task.all({"filter[job_id]": job["id"], "filter[operation]": "convert"})
        ],
        "deleted": Job.delete(job["id"]),
        "afterwards": Job.find(job["id"])["code"],
    }


def lone_tasks() -> dict[str, Any]:
    imported = Task.create("import/raw", RAW)
    exported = Task.create("export/url", {"input": imported["id"]})
    file = Task.wait(exported["id"])["result"]["files"][0]
    upload = Task.create("import/upload", {})
    cancelled = Task.cancel(upload["id"])
    retried = Task.retry(upload["id"])
    return {
        "content": fetched(file["url"]).decode(),
        "cancelled": cancelled,
        "code": Task.find(upload["id"])["code"],
        "retry": [retried["status"], retried["retry_of_task_id"] == upload["id"]],
        "fresh": bool(retried["result"]["form"]["parameters"]),
        "deleted": Task.delete(upload["id"]),
        "afterwards": Task.find(upload["id"])["code"],
    }


def webhooks() -> dict[str, Any]:
    client = cloudconvert.default_client()
    webhook = client.post("v2/webhooks", {"url": hooked(), "events": ["job.finished"]})["data"]
    job = Job.create(LINKED)
    body, signature = told.get(timeout=60)
    return {
        "event": json.loads(body)["event"],
        "job": json.loads(body)["job"]["id"] == job["id"],
        "genuine": Webhook.verify(body, signature, webhook["signing_secret"]),
        "forged": Webhook.verify(body + " ", signature, webhook["signing_secret"]),
        "deleted": client.delete(f"v2/webhooks/{webhook['id']}") == {},
    }


def refusals() -> dict[str, Any]:
    client = cloudconvert.default_client()
    try:
        Job.create({})
    except cloudconvert.exceptions.ResourceInvalid as error:
        invalid = error.response.status_code
    wrong = cloudconvert.CloudConvertRestClient(api_key="wrong", endpoint=root)
    return {
        "invalid": invalid,
        "unauthenticated": wrong.get("v2/users/me")["code"],
        "me": client.get("v2/users/me")["data"]["username"],
    }


def signed_url() -> dict[str, Any]:
    link = SignedUrl.sign(f"{root}/s/local", secret, LINKED, "key")
    return {"content": [fetched(link).decode(), fetched(link).decode()]}


cloudconvert.configure(api_key=key, endpoint=root, sync_endpoint=f"{root}/sync")
seen = {
    "conversion": conversion(),
    "lone_tasks": lone_tasks(),
    "webhooks": webhooks(),
    "refusals": refusals(),
    "signed_url": signed_url(),
}
print(json.dumps(seen))  # noqa: T201 - it is a program
