"""The text of one PDF laid under the pages of another, page for page."""

from pathlib import Path
from typing import Any

import pikepdf

from modules.cloudconvert.local.engines.pdf_files import opened
from modules.cloudconvert.local.engines.talk import Failure, Progress


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Lay `text`, the path of a PDF, under `source`."""
    target = Path(job["folder"]) / "out.0"
    try:
        with opened(job) as document, pikepdf.open(job["text"]) as text:
            for number, (page, under) in enumerate(zip(document.pages, text.pages, strict=True)):
                page.add_underlay(under, None)
                progress(number + 1, len(document.pages))
            document.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except (pikepdf.PdfError, ValueError) as error:
        raise Failure("CONVERSION_FAILED", str(error)) from error
    return [target.name]
