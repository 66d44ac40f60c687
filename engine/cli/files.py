"""Files that a command is asked to write."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from engine import lasting
from engine.errors import UsageError


def need_folder(path: Path) -> None:
    """See that a file can be written later. Raises UsageError if its folder is not there."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder", code="E701")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}", code="E701")
    if not os.access(path.absolute().parent, os.W_OK):
        raise UsageError(f"cannot write {path}: the folder may not be written to", code="E701")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; one that is there is replaced. Raises UsageError."""
    need_folder(path)
    temporary = None
    try:
        descriptor, name = mkstemp(prefix=f".{path.name[:50]}.", dir=path.absolute().parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        lasting.rename(temporary, path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        raise UsageError(f"cannot write {path}: {error.strerror or error}", code="E701") from error
