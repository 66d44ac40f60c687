"""What programs on PATH add to `optimize`: pngquant's palettes, Ghostscript's printing colours."""

from pathlib import Path

from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.outside import run_outside
from modules.cloudconvert.local.converters.postscript import QUIET
from modules.cloudconvert.local.operations.operation import Work
from modules.cloudconvert.local.programs import Found

PNGQUANT_QUALITY = {"web": (65, 85), "mrc": (40, 65), "max": (40, 65)}
"""What its result must and may come to, of 100, by profile; the others keep all colours."""


async def fewer_colours(
    work: Work, program: Found, whole: Path, quality: tuple[int, int]
) -> Path | None:
    """Have pngquant write a picture with as few colours as look alike; None if none are enough."""
    target = whole.with_name("out.2")
    target.unlink(missing_ok=True)
    chosen = f"--quality={quality[0]}-{quality[1]}"
    ended = await work.run(
        Program(
            [program.path, chosen, "--speed=3", "--output", str(target), "--", str(whole)],
            work.folder.path,
            output_bytes=work.limits.output_bytes,
            family_bytes=work.limits.family_bytes,
        ),
        lambda _line: None,
    )
    return target if ended.status == 0 and target.is_file() else None


async def in_printing_colours(work: Work, program: Found, source: Path) -> Path:
    """Have Ghostscript write a PDF in CMYK, black text in black alone.

    Its pictures keep their size. Form fields become part of the pages.
    """
    target = source.with_name("printed")
    target.unlink(missing_ok=True)
    colours = ("-sColorConversionStrategy=CMYK", "-sProcessColorModel=DeviceCMYK", "-dBlackText")
    sizes = [f"-dDownsample{kind}Images=false" for kind in ("Color", "Gray", "Mono")]
    await run_outside(
        work,
        [
            *(program.path, *QUIET, "-sDEVICE=pdfwrite", "-dPDFSETTINGS=/prepress"),
            *(*colours, *sizes, f"-sOutputFile={target}", "-f", str(source)),
        ],
        target,
    )
    return target
