"""What the embedded server finds on this machine: engines, how they are shut off, fonts."""

from collections.abc import Iterator
from pathlib import Path

from engine.module import Finding, Health
from modules.cloudconvert.local.engines.fonts import FONT_FILES
from modules.cloudconvert.local.survey import Engine, survey


async def health() -> list[Finding]:
    """Look at everything that conversions on this machine need."""
    found = await survey()
    return [*map(_engine, found.engines), _isolation(found.isolation), _fonts()]


def _engine(engine: Engine) -> Finding:
    about = f"engine {engine.name}"
    if engine.version is not None:
        where = f" ({engine.path})" if engine.path else ""
        return Finding(about, Health.OK, f"{engine.version}{where}: {engine.does}")
    ways = ", or ".join(dict.fromkeys(engine.install.values()))
    return Finding(about, Health.WARN, f"missing; it would add {engine.does}", ways)


def _isolation(title: str) -> Finding:
    if title.startswith("limits only"):
        advice = "apt install bubblewrap, or allow user namespaces, to shut converters off"
        return Finding("isolation", Health.WARN, title, advice)
    return Finding("isolation", Health.OK, title)


def _fonts() -> Finding:
    own = [path for path in _present() if "reportlab" not in path]
    if own:
        return Finding("fonts", Health.OK, f"texts are printed with {Path(own[0]).name}")
    text = "none with many scripts is here; texts that are not Latin may have gaps in PDFs"
    return Finding("fonts", Health.WARN, text, "apt install fonts-dejavu-core")


def _present() -> Iterator[str]:
    return (path for path in FONT_FILES if Path(path).is_file())
