"""Archives to one another; bsdtar, where it is on PATH, reads those that Python does not.

bsdtar writes what it reads as a TAR and unpacks nothing, so that all names and limits are looked at
in one place. Source: bsdtar's manual, archives as input.
"""

from dataclasses import replace

from modules.cloudconvert.local.call_worker import last_words
from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    program_of,
    version_of_program,
)
from modules.cloudconvert.local.converters.worked import INSTALL, in_worker
from modules.cloudconvert.local.engines.repack import MOST_BYTES
from modules.cloudconvert.local.operations.archive import ENGINE, FORMATS, VERSION
from modules.cloudconvert.local.operations.operation import InputFile, Options, Work
from modules.cloudconvert.local.programs import BSDTAR
from modules.cloudconvert.local.refusal import TaskFailure

READ = frozenset(("zip", "tar", "tar.gz", "tar.bz2"))
HEADERS = 64 << 20
"""What a TAR may have beside the members themselves."""
_REPACK = in_worker("repack", ENGINE)


class RepackOptions(Options):
    """Between archives nothing is to be chosen."""


async def _repacked(work: Work, conversion: Conversion) -> Converted:
    return replace(await _REPACK(work, conversion), engine_version=VERSION)


async def _by_bsdtar(work: Work, conversion: Conversion) -> Converted:
    program = program_of(work, BSDTAR)
    target = work.folder.work / "read.tar"
    work.report(BEGUN)
    source = f"@{conversion.source.path}"
    ended = await work.run(
        Program(
            [program.path, "-c", "--format=pax", "-f", str(target), source],
            work.folder.path,
            output_bytes=MOST_BYTES + HEADERS,
            family_bytes=work.limits.family_bytes,
        ),
        lambda _line: None,
    )
    if ended.status < 0:
        raise TaskFailure("FILE_TOO_LARGE", "The archive holds more than is allowed")
    if ended.status != 0:
        raise TaskFailure("OPEN_FAILED", last_words(ended, work))
    tar = InputFile(target, "read.tar", target.stat().st_size)
    made = await _REPACK(work, replace(conversion, source=tar, input_format="tar"))
    return replace(made, engine_version=program.version, engine=BSDTAR.name)


ARCHIVES = Converter(
    engine=ENGINE,
    inputs=READ,
    outputs=frozenset(FORMATS),
    options=RepackOptions,
    run=_repacked,
    version=lambda _inventory: VERSION,
    install=INSTALL,
)
ARCHIVES_READ = Converter(
    engine=BSDTAR.name,
    inputs=frozenset(("7z", "rar")),
    outputs=frozenset(FORMATS),
    options=RepackOptions,
    run=_by_bsdtar,
    version=version_of_program(BSDTAR),
    install=BSDTAR.install,
)
