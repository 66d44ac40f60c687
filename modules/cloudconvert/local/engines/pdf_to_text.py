"""The text of a PDF by pdfium, page after page, with a form feed between two."""

from pathlib import Path
from typing import Any

from modules.cloudconvert.local.engines.pages import pages_in
from modules.cloudconvert.local.engines.pdf_to_images import opened_pages
from modules.cloudconvert.local.engines.talk import Failure, Progress


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write the text as UTF-8; the job is the one of `converters.worked`."""
    options, target = job["options"], Path(job["folder"]) / "out.0"
    document = opened_pages(Path(job["source"]["path"]), options["password"])
    numbers = pages_in(options["pages"], len(document))
    if len(numbers) > job["limits"]["pages"]:
        raise Failure("FILE_TOO_LARGE", f"More than {job['limits']['pages']} pages")
    with target.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        for count, number in enumerate(numbers):
            page = document[number]
            text = page.get_textpage().get_text_range().replace("\r\n", "\n")
            file.write(text.rstrip() + "\n" + ("\f" if count + 1 < len(numbers) else ""))
            progress(count + 1, len(numbers))
            page.close()
    return [target.name]
