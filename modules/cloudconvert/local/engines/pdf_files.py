"""Opening PDFs by pikepdf; shared by the PDF engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pikepdf

from modules.cloudconvert.local.engines.talk import Failure

MALFORMED = (pikepdf.PdfError, AttributeError, KeyError, TypeError, ValueError, IndexError)
"""What comes of objects that are not of the kind that they should be."""


@contextmanager
def opened(job: dict[str, Any], password: str | None = None) -> Iterator[pikepdf.Pdf]:
    """Open a job's source. Raises Failure if it is broken, closed or too long."""
    source = job["source"]
    try:
        with pikepdf.open(source["path"], password=password or "") as document:
            if len(document.pages) > job["limits"]["pages"]:
                raise Failure("FILE_TOO_LARGE", f"More than {job['limits']['pages']} pages")
            yield document
    except pikepdf.PasswordError as error:
        text = "the password is wrong" if password else "it needs a password"
        raise Failure("OPEN_FAILED", f"{source['filename']}: {text}") from error
    except pikepdf.PdfError as error:
        raise Failure("OPEN_FAILED", f"{source['filename']}: {error}") from error
