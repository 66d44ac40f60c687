"""Draws the pictures, clips and documents that the examples under `scenarios/` work on.

Everything is computed, nothing is somebody's: clips from ffmpeg's test sources, landscapes from
sine hills, pages from reportlab. The results are committed; run this only to change them:
`python tests/scenarios/make_media.py scenarios`.
"""

import math
import random
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

CLIPS = {
    "aurora": (
        "gradients=s=640x400:r=24:c0=0x10204f:c1=0x18a58f:c2=0x9be15d:c3=0x5a2a83:nb_colors=4"
        ":speed=0.03:seed=7",
        220,
    ),
    "fractal": ("mandelbrot=s=640x400:r=24:start_scale=0.8:end_scale=0.08:end_pts=72", 330),
    "life": (
        "life=s=160x100:r=12:mold=12:ratio=0.18:seed=3:death_color=0x0b3d5c:life_color=0xf7f052"
        ":mold_color=0x06141f,scale=640:400:flags=neighbor,fps=24",
        262,
    ),
}
"""Clip name: (ffmpeg test source, pitch of its tone in Hz)."""

DAMAGED = "fractal"
"""The clip of which the first half lies in the inbox: its index, the moov atom, is cut off."""

SKIES = {
    "dawn": ("#2b3a67", "#f4a261", 11),
    "noon": ("#3a86c8", "#d7f0ff", 22),
    "dusk": ("#3d2352", "#e4576f", 33),
    "night": ("#05070f", "#1f3a5f", 44),
}
"""Landscape name: (colour of the sky above, at the horizon, seed of the hills)."""

Colour = tuple[int, int, int]


def main(root: Path) -> None:
    """Write every input file below `root`, replacing what is there."""
    quickstart(root / "quickstart")
    for name in SKIES:
        landscape(name).save(made(root / "photos/album" / f"{name}.jpg"), quality=84)
    notes(made(root / "documents/notes.txt"))
    landscape("noon", (900, 600)).save(made(root / "documents/site.jpg"), quality=80)
    terms(made(root / "documents/terms.pdf"))
    inbox = root / "router/inbox"
    clip("life", made(inbox / "clip.mov"), seconds=1)
    landscape("dusk", (900, 600)).save(made(inbox / "photo.jpg"), quality=80)
    made(inbox / "readings.csv").write_text("hour,celsius\n8,11.5\n12,17\n18,14.5\n")
    pictures = root / "substitute/pictures"
    for name in ("dawn", "dusk"):
        landscape(name, (600, 400)).save(made(pictures / f"{name}.jpg"), quality=80)
    whole = (pictures / "dawn.jpg").read_bytes()
    (pictures / "damaged.jpg").write_bytes(whole[:200])
    placeholder().save(root / "substitute/placeholder.webp", quality=80)


def made(path: Path) -> Path:
    """Return the path, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def quickstart(folder: Path) -> None:
    for name in CLIPS:
        clip(name, made(folder / "inbox" / f"{name}.mov"), seconds=3)
    damaged = folder / "inbox" / f"{DAMAGED}.mov"
    whole = damaged.read_bytes()
    made(folder / "repaired" / damaged.name).write_bytes(whole)
    damaged.write_bytes(whole[: len(whole) // 2])


def clip(name: str, target: Path, *, seconds: float) -> None:
    """Encode one clip as H.264 and AAC in MOV, 640x400 at 24 frames a second."""
    picture, pitch = CLIPS[name]
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    sources = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=f={pitch}:b=3:r=44100"]
    video = ["-c:v", "libx264", "-preset", "slow", "-crf", "32", "-pix_fmt", "yuv420p"]
    sound = ["-c:a", "aac", "-b:a", "48k"]
    exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    subprocess.run(
        [*program, *sources, "-t", str(seconds), *video, *sound, *exact, str(target)], check=True
    )


def landscape(name: str, size: tuple[int, int] = (1200, 800)) -> Image.Image:
    """Paint hills under a sky, with a sun or a moon."""
    above, horizon, seed = SKIES[name]
    picture = gradient(size, rgb(above), rgb(horizon))
    draw = ImageDraw.Draw(picture)
    dice = random.Random(seed)  # noqa: S311 - it places hills
    disc(draw, size, dice)
    for depth in range(4):
        draw.polygon(hill(size, depth, dice), fill=mixed(rgb(horizon), (12, 32, 34), depth / 3.2))
    return picture


def gradient(size: tuple[int, int], above: Colour, below: Colour) -> Image.Image:
    picture = Image.new("RGB", size)
    draw = ImageDraw.Draw(picture)
    for y in range(size[1]):
        draw.line([(0, y), (size[0], y)], fill=mixed(above, below, min(1, y / size[1] * 1.5)))
    return picture


def disc(draw: ImageDraw.ImageDraw, size: tuple[int, int], dice: random.Random) -> None:
    radius = size[1] // 14
    x, y = dice.randint(size[0] // 5, size[0] * 4 // 5), size[1] // 4
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(255, 244, 214))


def hill(size: tuple[int, int], depth: int, dice: random.Random) -> list[tuple[int, int]]:
    """Return the outline of one range; deeper ranges stand lower and nearer."""
    wide, high = size
    waves = [(dice.uniform(1, 5) * (depth + 1), dice.uniform(0, 6)) for _ in range(3)]
    ground = high * (0.5 + 0.13 * depth)

    def crest(x: int) -> int:
        swing = sum(math.sin(x / wide * speed + phase) for speed, phase in waves)
        return round(ground + swing * high * 0.035)

    return [(0, high), *((x, crest(x)) for x in range(0, wide + 1, 4)), (wide, high)]


def placeholder() -> Image.Image:
    """Paint a grey card with a crossed-out frame."""
    picture = Image.new("RGB", (600, 400), "#d9dde2")
    draw = ImageDraw.Draw(picture)
    draw.rectangle([60, 40, 540, 360], outline="#8a94a0", width=6)
    draw.line([(60, 40), (540, 360)], fill="#8a94a0", width=6)
    draw.line([(60, 360), (540, 40)], fill="#8a94a0", width=6)
    return picture


def notes(target: Path) -> None:
    target.write_text(
        "Site visit, Monday\n"
        "==================\n\n"
        "- The north slope drains well; the path along it needs new gravel.\n"
        "- Two of the five sensors report late. Their batteries are four years old.\n"
        "- Café and kiosk agree to open at 8:30 from May on.\n\n"
        "Picture and terms follow on the next pages.\n",
        encoding="utf-8",
    )


def terms(target: Path) -> None:
    """Write a PDF of two A4 pages."""
    page = Canvas(str(target), pagesize=A4, invariant=1)
    page.setTitle("Terms of the visit")
    for number, heading in enumerate(("Terms of the visit", "Signatures"), 1):
        page.setFont("Helvetica-Bold", 22)
        page.drawString(72, 740, heading)
        page.setFont("Helvetica", 12)
        page.drawString(72, 700, f"Page {number} of 2. Anyone may copy this page.")
        page.showPage()
    page.save()


def rgb(text: str) -> Colour:
    """Return the parts of a colour written as `#rrggbb`."""
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour between two; share 0 is `one`, 1 is `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


if __name__ == "__main__":
    main(Path(sys.argv[1]))
