"""Pages and locks of PDFs by pikepdf: split, extract, rotate, encrypt, decrypt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pikepdf

from modules.cloudconvert.local.engines.pages import pages_in
from modules.cloudconvert.local.engines.pdf_files import opened
from modules.cloudconvert.local.engines.talk import Failure, Progress

PACKED = pikepdf.ObjectStreamMode.generate
TURNS = {"+90": 90, "-90": 270, "180": 180, "90": 90, "270": 270, "+180": 180, "-180": 180}


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Do what `job["action"]` names with the job's source and options."""
    return ACTIONS[job["action"]](job, progress)


@contextmanager
def _changed(job: dict[str, Any], password: str | None = None) -> Iterator[pikepdf.Pdf]:
    try:
        with opened(job, password) as document:
            yield document
    except (pikepdf.PdfError, ValueError) as error:
        raise Failure("CONVERSION_FAILED", str(error)) from error


def _target(job: dict[str, Any], number: int = 0) -> Path:
    return Path(job["folder"]) / f"out.{number}"


def _split(job: dict[str, Any], progress: Progress) -> list[str]:
    names = []
    with _changed(job) as document:
        for number, page in enumerate(document.pages):
            alone = pikepdf.new()
            alone.pages.append(page)
            alone.remove_unreferenced_resources()
            alone.save(_target(job, number), object_stream_mode=PACKED)
            names.append(_target(job, number).name)
            progress(number + 1, len(document.pages))
    return names


def _extract(job: dict[str, Any], progress: Progress) -> list[str]:
    with _changed(job) as document:
        chosen = pikepdf.new()
        for number in pages_in(job["options"]["pages"], len(document.pages)):
            if len(chosen.pages) == job["limits"]["pages"]:
                raise Failure("FILE_TOO_LARGE", f"More than {job['limits']['pages']} pages")
            chosen.pages.append(document.pages[number])
        chosen.remove_unreferenced_resources()
        chosen.save(_target(job), object_stream_mode=PACKED)
    progress(1, 1)
    return [_target(job).name]


def _rotate(job: dict[str, Any], progress: Progress) -> list[str]:
    with _changed(job) as document:
        for number in pages_in(job["options"]["pages"], len(document.pages)):
            document.pages[number].rotate(TURNS[job["options"]["rotation"]], relative=True)
        document.save(_target(job), object_stream_mode=PACKED, encryption=document.is_encrypted)
    progress(1, 1)
    return [_target(job).name]


def _encrypt(job: dict[str, Any], progress: Progress) -> list[str]:
    options = job["options"]
    allowed = pikepdf.Permissions(
        extract=options["allow_extract"],
        accessibility=options["allow_accessibility"],
        modify_annotation=options["allow_modify"],
        modify_assembly=options["allow_modify"],
        modify_form=options["allow_modify"],
        modify_other=options["allow_modify"],
        print_lowres=options["allow_print"],
        print_highres=options["allow_print"],
    )
    user = options["set_password"] or ""
    # Without a password of the owner's, anybody could lift the limits.
    owner = options["set_owner_password"] or user
    lock = pikepdf.Encryption(user=user, owner=owner, R=6, allow=allowed)
    with _changed(job) as document:
        document.save(_target(job), encryption=lock)
    progress(1, 1)
    return [_target(job).name]


def _decrypt(job: dict[str, Any], progress: Progress) -> list[str]:
    with _changed(job, job["options"]["password"]) as document:
        document.save(_target(job), object_stream_mode=PACKED)
    progress(1, 1)
    return [_target(job).name]


ACTIONS: dict[str, Callable[[dict[str, Any], Progress], list[str]]] = {
    "split-pages": _split,
    "extract-pages": _extract,
    "rotate-pages": _rotate,
    "encrypt": _encrypt,
    "decrypt": _decrypt,
}
