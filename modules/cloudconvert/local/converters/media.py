"""Video, audio and animated GIF by ffmpeg."""

from collections.abc import Callable, Mapping
from functools import partial

from modules.cloudconvert.local.call_worker import last_words, plain
from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.containers import (
    AUDIO_ENCODERS,
    CONTAINERS,
    VIDEO_ENCODERS,
    Container,
)
from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.ffmpeg import (
    DEFAULT_CRF,
    AudioOptions,
    Encoding,
    Heard,
    VideoOptions,
    arguments,
    encoders,
    trimmed_seconds,
)
from modules.cloudconvert.local.inventory import VIDEO_INSTALL, Inventory
from modules.cloudconvert.local.operations.operation import Choice, Work
from modules.cloudconvert.local.refusal import TaskFailure, invalid

READ = frozenset(CONTAINERS)


async def _run(work: Work, conversion: Conversion) -> Converted:
    container = CONTAINERS[conversion.output_format]
    options: AudioOptions = conversion.options
    program = work.inventory.ffmpeg_for(encoders(container, options))
    if program is None:
        raise TaskFailure("ENGINE_MISSING", f"No ffmpeg here has the encoders: {VIDEO_INSTALL}")
    encoding = Encoding(
        program=program.path,
        source=str(conversion.source.path),
        target=str(work.folder.work / "out.0"),
        output_format=conversion.output_format,
        options=options,
        threads=work.threads,
    )
    heard = Heard()
    ended = await work.run(
        Program(arguments(encoding), work.folder.path, output_bytes=work.limits.output_bytes),
        progress_reader(partial(_seconds, heard, options), work.report),
        heard.take,
    )
    if ended.status != 0:
        raise _failure(heard, container, plain(heard.complaint, work) or last_words(ended, work))
    return Converted([work.folder.work / "out.0"], program.version)


def _seconds(heard: Heard, options: AudioOptions) -> float | None:
    return trimmed_seconds(heard.probe, options) if heard.probe else None


def _failure(heard: Heard, container: Container, words: str) -> TaskFailure:
    probe = heard.probe
    if probe is None:
        return TaskFailure("OPEN_FAILED", words)
    if not (probe.video and container.video) and not (probe.audio and container.audio):
        missing = "sound" if not container.video else "picture"
        words = f"The input file has no {missing}"
    return TaskFailure("CONVERSION_FAILED", words)


def progress_reader(
    duration: Callable[[], float | None], report: Callable[[int], None]
) -> Callable[[bytes], None]:
    """Return a reader of ffmpeg's `-progress` lines that reports a percentage of the duration.

    The percentage never falls, and stays below 100 until the program has ended.
    """
    last = 0

    def on_line(line: bytes) -> None:
        nonlocal last
        name, _, value = line.partition(b"=")
        if name != b"out_time_us" or not value.strip().isdigit():
            return
        seconds = duration()
        if not seconds:
            return
        percent = min(99, int(int(value) / (seconds * 10_000)))
        if percent > last:
            last = percent
            report(percent)

    return on_line


def _check(options: AudioOptions, output_format: str) -> None:
    container = CONTAINERS[output_format]
    errors = {}
    for name, allowed in (("video_codec", container.video), ("audio_codec", container.audio)):
        chosen = getattr(options, name, None)
        if chosen not in (None, "copy", "none", *allowed):
            possible = ", ".join(allowed) or "none"
            errors[name] = [f"The selected {{path}} is invalid. Possible values: {possible}."]
    if errors:
        raise invalid(errors)


def _choices(output_format: str, inventory: Inventory) -> Mapping[str, Choice]:
    """Narrow codecs to those that the format takes and that an ffmpeg here can encode."""
    container = CONTAINERS[output_format]
    able = frozenset[str]().union(*(one.encoders for one in inventory.ffmpegs))
    choices = {}
    if container.video:
        codecs = [one for one in container.video if VIDEO_ENCODERS[one] in able]
        choices["video_codec"] = Choice(container.video[0], ("copy", "none", *codecs))
        choices["crf"] = Choice(DEFAULT_CRF.get(container.video[0]))
    if container.audio:
        codecs = [one for one in container.audio if AUDIO_ENCODERS[one] in able]
        choices["audio_codec"] = Choice(container.audio[0], ("copy", "none", *codecs))
    return choices


def _version(output_format: str) -> Callable[[Inventory], str | None]:
    needed = CONTAINERS[output_format].encoders

    def version(inventory: Inventory) -> str | None:
        found = inventory.ffmpeg_for(needed)
        return found.version if found else None

    return version


def _fitting(container: Container) -> frozenset[str]:
    """Return the formats that can hold something which the container can hold."""
    return frozenset(
        name
        for name, other in CONTAINERS.items()
        if (other.video and container.video) or (other.audio and container.audio)
    )


MEDIA = tuple(
    Converter(
        engine="ffmpeg",
        inputs=_fitting(container),
        outputs=frozenset((name,)),
        options=VideoOptions if container.video else AudioOptions,
        run=_run,
        version=_version(name),
        install=VIDEO_INSTALL,
        choices=_choices,
        check=_check,
    )
    for name, container in CONTAINERS.items()
)
