"""Office documents opened with a password by msoffcrypto: DOCX, PPTX, XLSX and what came before."""

import shutil
import struct
from pathlib import Path
from typing import Any

import msoffcrypto
from msoffcrypto.exceptions import DecryptionError, FileFormatError, ParseError
from msoffcrypto.format.ooxml import OOXMLFile

from modules.cloudconvert.local.engines.talk import Failure, Progress

BROKEN = (
    *(FileFormatError, ParseError, struct.error, OSError, EOFError),
    *(ValueError, KeyError, IndexError, AttributeError, TypeError),
)


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write `source` without its lock; raises Failure if `password` does not open it."""
    target = Path(job["folder"]) / "unlocked"
    with Path(job["source"]["path"]).open("rb") as file:
        try:
            document = msoffcrypto.OfficeFile(file)
            if document.is_encrypted():
                _open(document, job["password"], target)
            else:
                shutil.copyfile(job["source"]["path"], target)
        except DecryptionError as error:
            raise Failure("OPEN_FAILED", "The password does not open the document") from error
        except BROKEN as error:
            raise Failure("OPEN_FAILED", f"The document is damaged: {error}") from error
    progress(1, 1)
    return [target.name]


def _open(document: Any, password: str, target: Path) -> None:
    # Those of the older formats check the password without being asked.
    asked = {"verify_password": True} if isinstance(document, OOXMLFile) else {}
    document.load_key(password=password, **asked)
    with target.open("wb") as opened:
        document.decrypt(opened)
