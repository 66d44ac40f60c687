"""PDFs to one by pikepdf. Page boxes and rotation stay; what would run by itself goes."""

from pathlib import Path
from typing import Any

import pikepdf

from modules.cloudconvert.local.engines.talk import Failure, Progress

SELF_STARTING = ("/AA",)
"""Entries of a page that act when it is opened."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Join `sources`, each `{path, filename}`, in their order."""
    target = Path(job["folder"]) / "out.0"
    sources = job["sources"]
    # The sources must stay open until the result is saved: pages are copied only then.
    opened: list[pikepdf.Pdf] = []
    merged = pikepdf.new()
    try:
        for number, source in enumerate(sources):
            document = _opened(source)
            opened.append(document)
            _append(merged, document, job["limits"]["pages"])
            progress(number + 1, len(sources) + 1)
        merged.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except pikepdf.PdfError as error:
        raise Failure("CONVERSION_FAILED", str(error)) from error
    finally:
        for document in opened:
            document.close()
    return [target.name]


def _opened(source: dict[str, str]) -> pikepdf.Pdf:
    try:
        return pikepdf.open(source["path"])
    except pikepdf.PasswordError as error:
        raise Failure("OPEN_FAILED", f"{source['filename']} needs a password") from error
    except pikepdf.PdfError as error:
        raise Failure("OPEN_FAILED", f"{source['filename']}: {error}") from error


def _append(merged: pikepdf.Pdf, document: pikepdf.Pdf, limit: int) -> None:
    if len(merged.pages) + len(document.pages) > limit:
        raise Failure("FILE_TOO_LARGE", f"The merged file would have more than {limit} pages")
    for page in document.pages:
        for name in SELF_STARTING:
            if name in page.obj:
                del page.obj[name]
    merged.pages.extend(document.pages)
