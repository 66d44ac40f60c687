"""capture-website: a page of the web to PDF or a picture, by Chromium.

Whatever the page asks for goes through our own proxy, under the rules of `import/url`; the browser
has an empty profile and, where the system allows, a network with nothing in it but that proxy.
Source: API v2, capture-website.
"""

from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from modules.cloudconvert.local.call_worker import call_worker
from modules.cloudconvert.local.converters.outside import program_of
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import clean_name
from modules.cloudconvert.local.operations.operation import (
    Entry,
    Made,
    Operation,
    Outcome,
    ProcessingFields,
    RequiredText,
    Work,
)
from modules.cloudconvert.local.operations.pages import PageOptions
from modules.cloudconvert.local.programs import CHROMIUM
from modules.cloudconvert.local.proxy import connect_of, proxied
from modules.cloudconvert.local.refusal import TaskFailure, engine_missing

FORMATS = ("pdf", "png", "jpg")
MOST_BYTES = 100 << 20
"""Most that one page may bring in."""


class CaptureFields(ProcessingFields, PageOptions):
    url: RequiredText
    output_format: Literal["pdf", "png", "jpg"]
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent to the page's own origin."""

    @field_validator("url")
    @classmethod
    def _http_only(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise ValueError("The {path} must be a valid http or https URL.")
        if parts.username is not None:
            raise ValueError("The {path} must have no user name.")
        return url.strip()


def _check(_fields: CaptureFields, inventory: Inventory) -> None:
    if inventory.program(CHROMIUM) is None:
        raise engine_missing("The engine chrome", CHROMIUM.install, "operation")


async def _run(work: Work) -> Outcome:
    fields: CaptureFields = work.fields
    program = program_of(work, CHROMIUM)
    own_network = work.children.isolation.own_network
    folder = work.folder.work if own_network else None
    async with proxied(connect_of(work.fetch), folder, MOST_BYTES) as proxy:
        job = {
            "program": program.path,
            "proxy": proxy.place,
            "url": fields.url,
            "headers": fields.headers,
            "output_format": fields.output_format,
            "options": fields.model_dump(include=set(PageOptions.model_fields)),
        }
        try:
            made = await call_worker(work, "capture", job, browses=True)
        except TaskFailure as failure:
            if not proxy.refusals:
                raise
            text = f"{failure.message} ({proxy.refusals[0]})"
            raise TaskFailure(failure.code, text) from failure
    if proxy.received > MOST_BYTES:
        raise TaskFailure("FILE_TOO_LARGE", f"The page brings in more than {MOST_BYTES} bytes")
    name = clean_name(fields.filename or f"{urlsplit(fields.url).hostname}.{fields.output_format}")
    return Outcome([Made(made[0], name, fields.output_format)], CHROMIUM.name, program.version)


def _entries(inventory: Inventory) -> Iterable[Entry]:
    program = inventory.program(CHROMIUM)
    if program is None:
        return
    for target in FORMATS:
        yield Entry(
            "capture-website",
            CHROMIUM.name,
            None,
            target,
            group="website",
            engine_version=program.version,
            options=PageOptions,
        )


CAPTURE_WEBSITE = Operation(
    name="capture-website",
    fields=CaptureFields,
    run=_run,
    takes_input=False,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
