"""CloudConvert's API in memory, exact enough for the client, with faults on request."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from clocks import StandingClock, never

from engine.connect.client import HttpClient
from engine.module import Connection

BASE = "https://api.example.test/v2"
SYNC = "https://sync.example.test/sync"
STORAGE = "https://storage.example.test"
KEY = "a-long-and-secret-key"
CREATED = "2026-05-04T12:00:00+00:00"

OPTIONS = [
    {"name": name, "type": "integer"} for name in ("width", "quality", "level", "margin_top")
]

Fault = httpx.Response | BaseException


@dataclass
class FakeService:
    """`polls` is how often a job is seen working before it ends; `result` is what it exports.

    `faults` maps `METHOD /path` (the path's beginning) to answers that are given instead, in turn;
    None lets a request through. `late_faults` are given after the request was carried out.
    """

    base: str = BASE
    storage: str = STORAGE
    sync: str | None = None
    """Where it answers only at the end of a job; None: nowhere."""
    polls: int = 2
    result: bytes = b"%PDF-1.7 converted"
    listed_size: int | None = -1
    """Size of the results in their listing; -1: what it is."""
    hashed: bool = False
    """The results' listing has their MD5."""
    failing: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Task name → its `message` and `code`: the job ends in error."""
    faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    late_faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    with_credential: set[str] = field(default_factory=set)
    """Hosts that were sent the key."""
    clock: StandingClock = field(default_factory=StandingClock)

    def http(self) -> HttpClient:
        connection = Connection(self.base, KEY, self.sync)
        transport = httpx.MockTransport(self.answer)
        return HttpClient(connection, clock=self.clock, transport=transport, chance=never)

    def answer(self, request: httpx.Request) -> httpx.Response:
        key = f"{request.method} {request.url.path}"
        self.asked.append(key)
        if request.headers.get("authorization"):
            self.with_credential.add(request.url.netloc.decode())
        _raise_or_none(fault := _next(self.faults, key))
        if isinstance(fault, httpx.Response):
            return fault
        answer = self._routed(request)
        _raise_or_none(fault := _next(self.late_faults, key))
        return fault if isinstance(fault, httpx.Response) else answer

    def _routed(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if self.sync and str(request.url).startswith(self.sync):
            self._end(job := self.jobs[path.rpartition("/")[2]])
            return _data(job)
        if str(request.url).startswith(self.storage):
            return self._storage(request)
        if path == "/v2/operations":
            return _data([{"operation": "convert", "options": OPTIONS}])
        if path == "/v2/jobs":
            return self._create(request) if request.method == "POST" else self._list(request)
        return self._job(request.method, path.rpartition("/")[2])

    def _create(self, request: httpx.Request) -> httpx.Response:
        payload = json.loads(request.content)
        self.payloads.append(payload)
        number = len(self.jobs) + 1
        tasks = [self._task(number, name, task) for name, task in payload["tasks"].items()]
        job = {"id": f"job-{number}", "tag": payload["tag"], "status": "waiting", "polls": 0,
               "created_at": CREATED, "started_at": None, "ended_at": None, "tasks": tasks,
               "links": {"self": f"{self.base}/jobs/job-{number}"}}  # fmt: skip
        self.jobs[job["id"]] = job
        return _data(job, 201)

    def _task(self, number: int, name: str, task: dict[str, Any]) -> dict[str, Any]:
        made = {"id": f"{number}-{name}", "name": name, "operation": task["operation"],
                "status": "waiting", "message": None, "code": None, "percent": 100,
                "result": None, "unknown": {"to": "us"}}  # fmt: skip
        if task["operation"] == "import/upload":
            form = {"url": f"{self.storage}/{made['id']}", "parameters": {"key": "k", "expires": 5}}
            made["result"] = {"form": form}
        return made

    def _list(self, request: httpx.Request) -> httpx.Response:
        tag = request.url.params.get("filter[tag]")
        return _data([job for job in self.jobs.values() if job["tag"] == tag])

    def _job(self, method: str, job_id: str) -> httpx.Response:
        job = self.jobs.get(job_id)
        if job is None:
            return httpx.Response(404, json={"message": "Not found.", "code": "NOT_FOUND"})
        if method == "DELETE":
            self.deleted.append(self.jobs.pop(job_id)["id"])
            return httpx.Response(204)
        self._advance(job)
        return _data(job)

    def _advance(self, job: dict[str, Any]) -> None:
        waiting = [task for task in job["tasks"] if (task["result"] or {}).get("form")]
        if waiting or job["status"] in ("finished", "error"):
            return
        job["polls"] += 1
        job["status"] = "processing"
        for task in job["tasks"]:
            task |= {"status": "processing", "percent": min(100, job["polls"] * 30)}
        if job["polls"] > self.polls:
            self._end(job)

    def _end(self, job: dict[str, Any]) -> None:
        job |= {"status": "error" if self.failing else "finished", "ended_at": CREATED}
        for task in job["tasks"]:
            task["status"] = "error" if task["name"] in self.failing else "finished"
            task.update(self.failing.get(task["name"], {}))
            if task["operation"] == "export/url" and not self.failing:
                name = self.payloads[-1]["tasks"]["process"].get("filename", "out.bin")
                url = f"{self.storage}/{job['id']}/out?signature=s"
                size = len(self.result) if self.listed_size == -1 else self.listed_size
                file = {"filename": name, "size": size, "url": url}
                if self.hashed:
                    file["md5"] = hashlib.md5(self.result, usedforsecurity=False).hexdigest()
                task["result"] = {"files": [file]}

    def _storage(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=self.result)
        task_id = request.url.path[1:]
        for job in self.jobs.values():
            for task in job["tasks"]:
                if task["id"] == task_id:
                    task |= {"status": "finished", "result": {"files": []}}
                    self.uploads[task["name"]] = request.content
        return httpx.Response(201, content=b"<PostResponse/>")

    @property
    def process(self) -> dict[str, Any]:
        """The processing task of the only job."""
        process: dict[str, Any] = self.payloads[-1]["tasks"]["process"]
        return process


def _next(faults: dict[str, list[Fault | None]], key: str) -> Fault | None:
    for start, answers in faults.items():
        if key.startswith(start) and answers:
            return answers.pop(0) if len(answers) > 1 else answers[0]
    return None


def _raise_or_none(fault: Fault | None) -> None:
    if isinstance(fault, BaseException):
        raise fault


def _data(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"data": value})


def always(fault: Fault) -> list[Fault | None]:
    return [fault]


def times(count: int, make: Callable[[], Fault]) -> list[Fault | None]:
    """Return a fault this many times, and then none."""
    return [*(make() for _ in range(count)), None]
