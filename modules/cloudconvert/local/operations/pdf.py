"""pdf/*: what is done to PDFs alone. One table row per operation."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Operation,
    Options,
    Outcome,
    ProcessingFields,
    Text,
    Work,
)
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import format_of_file
from modules.cloudconvert.local.validation_texts import about

ENGINE = "pikepdf"


def _allowed(value: Any) -> Any:
    """Read a permission. Assumed: `none` forbids, `all` and `full` allow, and so do booleans."""
    return {"none": False, "all": True, "full": True}.get(value, value)


Pages = Annotated[str, Field(pattern=r"^[0-9, -]+$", max_length=1000)]
Allowed = Annotated[bool, BeforeValidator(_allowed)]


class SplitOptions(Options):
    """One file for each page."""


class ExtractOptions(Options):
    pages: Pages
    """Such as `1,2,5-7`, in the order of the result."""


class RotateOptions(Options):
    pages: Pages | None = None
    """All pages if not given."""
    rotation: Literal["+90", "-90", "180", "90", "270", "+180", "-180"] = "+90"
    """Clockwise. Assumed default."""


class EncryptOptions(Options):
    set_password: Text | None = None
    """Asked for when the file is opened."""
    set_owner_password: Text | None = None
    """Lifts what is not allowed; without it, `set_password` does."""
    allow_extract: Allowed = True
    allow_accessibility: Allowed = True
    allow_modify: Allowed = True
    allow_print: Allowed = True

    @model_validator(mode="after")
    def _locked(self) -> Self:
        if not (self.set_password or self.set_owner_password):
            raise about("set_password", "Either set_password or set_owner_password is required.")
        return self


class DecryptOptions(Options):
    password: Text | None = None


def _fields(options: type[Options]) -> type[ProcessingFields]:
    return type(f"{options.__name__}Fields", (ProcessingFields, options), {})


def _run(action: str, options: type[Options]) -> Callable[[Work], Awaitable[Outcome]]:
    async def run(work: Work) -> Outcome:
        results = Results(work)
        for number, source in enumerate(work.inputs):
            refuse_other(source)
            job = {
                "action": action,
                "source": source_of(source),
                "options": work.fields.model_dump(include=set(options.model_fields)),
            }
            made = await call_worker(work, "pdf_pages", job, report=partial(results.share, number))
            wanted = work.fields.filename or source.filename
            names = result_names(wanted, source.filename, "pdf", len(made))
            if action == "split-pages" and len(made) == 1 and work.fields.filename is None:
                names = result_names(f"{names[0].removesuffix('.pdf')}-%d.pdf", names[0], "pdf", 1)
            results.add(made, names, "pdf")
        return Outcome(results.made, ENGINE, work.inventory.version(ENGINE))

    return run


def refuse_other(source: InputFile) -> None:
    """Raise TaskFailure for what is no PDF."""
    found = format_of_file(source.path, source.filename, None)
    if found != "pdf":
        raise TaskFailure("OPEN_FAILED", f"{source.filename} is no PDF, it is {found}")


def _entries(name: str, options: type[Options]) -> Callable[[Inventory], Iterable[Entry]]:
    def entries(inventory: Inventory) -> Iterable[Entry]:
        version = inventory.version(ENGINE)
        if version is not None:
            yield Entry(
                name, ENGINE, "pdf", "pdf",
                group="document", engine_version=version, options=options,
            )  # fmt: skip

    return entries


PDF_OPERATIONS: Sequence[Operation] = tuple(
    Operation(
        name=f"pdf/{action}",
        fields=_fields(options),
        run=_run(action, options),
        heavy=True,
        credits=1,
        entries=_entries(f"pdf/{action}", options),
    )
    for action, options in (
        ("split-pages", SplitOptions),
        ("extract-pages", ExtractOptions),
        ("rotate-pages", RotateOptions),
        ("encrypt", EncryptOptions),
        ("decrypt", DecryptOptions),
    )
)
