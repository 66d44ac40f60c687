"""A catalog of small modules in a person's own folder, and plans made of text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plan import Plan

DEMO = '''
from typing import Literal

from pydantic import Field, model_validator

from engine.module import Bundle, Context, Fields, File, Kind, Module


class WatchFields(Fields):
    folder: str
    """Where new files appear."""
    limit: int = Field(default=10, ge=1)
    mode: Literal["all", "now"] = "all"


class Seen(Fields):
    file: File
    name: str
    path: str
    size: int
    tags: list[str] = []


class Watch(Module[WatchFields, Seen]):
    """Emit each new file."""

    id = "demo.watch"
    kind = Kind.TRIGGER

    def execute(self, fields: WatchFields, ctx: Context) -> list[Seen]:
        return []


class Options(Fields):
    width: int | None = None
    height: int | None = None


class Part(Fields):
    kind: Literal["upload", "url"]
    file: File | None = None


class ConvertFields(Fields):
    format: str
    file: File | None = None
    parts: list[Part] | None = None
    options: Options = Options()
    download: bool = True

    @model_validator(mode="after")
    def _one_way(self) -> "ConvertFields":
        if (self.file is None) == (self.parts is None):
            raise ValueError("give either `file` or `parts`")
        return self


class Converted(Fields):
    file: File | None
    files: list[Seen]
    status: str


class Convert(Module[ConvertFields, Converted]):
    """Convert a file."""

    id = "demo.convert"

    def execute(self, fields: ConvertFields, ctx: Context) -> list[Converted]:
        return []

    @classmethod
    def absent_items(cls, constants):
        return {"file": "`download` is false"} if constants.get("download") is False else {}


class Anything(Fields):
    model_config = {"extra": "allow"}


class Put(Module[Anything, Bundle]):
    """Emit its fields."""

    id = "demo.put"

    def execute(self, fields: Anything, ctx: Context) -> list[Bundle]:
        return [fields.model_dump()]


class Find(Module[Anything, Bundle]):
    """Emit what is found."""

    id = "demo.find"
    kind = Kind.SEARCH

    def execute(self, fields: Anything, ctx: Context) -> list[Bundle]:
        return []
'''

SERVICE = '''
from engine.module import Connection, ConnectionFields, Connector, Credential


class ServiceConnection(ConnectionFields):
    token: Credential
    base_url: str = "http://localhost"

    def connect(self, secrets):
        return Connection(self.base_url, secrets["token"])


def embedded(folder, fetch):
    raise AssertionError("a plan starts nothing")


connector = Connector(
    name="service",
    title="Service",
    modules={"call": "user_modules.service:Call"},
    connection=ServiceConnection,
    embedded=embedded,
)

from engine.module import Bundle, Fields, Module


class Nothing(Fields):
    pass


class Call(Module[Nothing, Bundle]):
    """Call the service."""

    id = "service.call"

    def execute(self, fields, ctx):
        return [{}]
'''

MakePlan = Callable[[str], Plan]


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "demo.py").write_text(DEMO)
    (folder / "service.py").write_text(SERVICE)
    return Catalog([folder])


@pytest.fixture
def plan_of(catalog: Catalog, tmp_path: Path) -> MakePlan:
    """Check a scenario's text as if it stood in `demo.yaml`."""

    def make(text: str) -> Plan:
        return load_text(text, tmp_path / "demo.yaml", catalog)

    return make
