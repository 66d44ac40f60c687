"""ffmpeg's command lines, and what it says of a file. Plain functions; nothing runs here.

User text never gets into a filter graph: all that goes in are checked numbers.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.converters.containers import (
    AUDIO_ENCODERS,
    CONTAINERS,
    VIDEO_ENCODERS,
    Container,
)
from modules.cloudconvert.local.operations.operation import Options

FORMAT_WHITELIST = (
    "mov,matroska,webm,avi,flv,asf,mpegts,mpeg,ogg,wav,mp3,flac,aac,gif,rm,mxf,dv,amr,aiff,caf,ac3,"
    "dts,w64,ape,wv,tta,au,ivf,h264,hevc,m4v,mpegvideo"
)
"""Formats that name no other file; playlists and concat scripts stay out."""

Preset = Literal[
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
]
_PRESETS = Preset.__args__  # type: ignore[attr-defined]  # typing names no accessor for a Literal
DEFAULT_CRF: Mapping[str, int] = {"x264": 23, "x265": 28, "vp8": 32, "vp9": 32, "av1": 32}
"""Quality that a codec gets if none is asked for; the first two are the encoders' own."""
Clock = Annotated[str, Field(pattern=r"^(\d{1,2}:)?(\d{1,3}:)?\d{1,6}(\.\d{1,6})?$")]
Kilobits = Annotated[int, Field(ge=1, le=500_000)]
Pixels = Annotated[int, Field(ge=2, le=16_384)]


class AudioOptions(Options):
    audio_codec: (
        Literal["copy", "none", "aac", "aac_he_1", "aac_he_2", "mp3", "mp2"]
        | Literal["opus", "vorbis", "flac", "pcm", "wma"]
        | None
    ) = None
    audio_bitrate: Kilobits | None = None
    """kbit/s."""
    volume: Annotated[float, Field(ge=0, le=100)] | None = None
    """A factor; 1 changes nothing."""
    sample_rate: Annotated[int, Field(ge=4000, le=192_000)] | None = None
    channels: Annotated[int, Field(ge=1, le=8)] | None = None
    trim_start: Clock | None = None
    """`HH:MM:SS`, or seconds."""
    trim_end: Clock | None = None


class VideoOptions(AudioOptions):
    video_codec: (
        Literal["copy", "none", "x264", "x265", "vp8", "vp9", "av1", "mpeg4"]
        | Literal["mpeg2", "theora", "wmv2", "flv1", "gif"]
        | None
    ) = None
    crf: Annotated[int, Field(ge=0, le=63)] | None = None
    video_bitrate: Kilobits | None = None
    """kbit/s; takes the place of `crf`."""
    preset: Preset = "medium"
    profile: Literal["baseline", "main", "high"] | None = None
    level: Annotated[str, Field(pattern=r"^[1-6](\.[0-3])?$")] | None = None
    tune: (
        Literal["film", "animation", "grain", "stillimage", "fastdecode", "zerolatency"] | None
    ) = None
    width: Pixels | None = None
    height: Pixels | None = None
    fit: Literal["max", "crop", "scale", "pad"] = "max"
    """`max` never enlarges."""
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    keyframe_interval: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Frames."""
    aspect_ratio: Annotated[str, Field(pattern=r"^\d{1,4}:\d{1,4}$")] | None = None
    subtitles_mode: Literal["none", "copy", "soft"] = "none"


@dataclass(frozen=True, slots=True)
class Probe:
    """What ffmpeg said of an input."""

    seconds: float | None
    """Duration; None if it does not know."""
    video: bool
    audio: bool
    subtitles: bool = False


_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_STREAM = re.compile(r"^\s*Stream #0:\d+.*?: (Video|Audio|Subtitle): ", re.MULTILINE)
_LEVEL = re.compile(r"(?:\[[^\]]* @ [^\]]*\] )*\[(\w+)\] ")
_ORIGIN = re.compile(r"^(\[[^\]]*\] )+")
_EMPTY_WORDS = (
    "At least one output file",
    "Conversion failed",
    "Error opening input file ",
    "Error opening input files:",
    "Error opening output file",
    "Nothing was written",
    "Task finished with error",
    "Terminating thread",
)


def probe_arguments(path: str, source: str) -> list[str]:
    """Return the command that makes ffmpeg describe a file; it always ends with a status of 1."""
    return [path, "-hide_banner", "-nostdin", *_guarded_input(source)]


def frame_arguments(path: str, source: str, target: str, seconds: float) -> list[str]:
    """Return the command that writes the frame at a moment as PNG."""
    return [
        *(path, "-hide_banner", "-nostdin", "-y", "-v", "error", "-ss", _number(seconds)),
        *_guarded_input(source),
        *("-map", "0:v:0", "-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1"),
        f"file:{target}",
    ]


def retagging_arguments(
    path: str, files: tuple[str, str], muxer: str, metadata: Mapping[str, str]
) -> list[str]:
    """Return the command that copies a file and sets what it says of itself.

    `files` are the source and the target.
    """
    tags = [
        part
        for name, value in metadata.items()
        for part in ("-metadata", f"{TAG_NAMES.get(name, name.lower())}={value}")
    ]
    return [
        *(path, "-hide_banner", "-nostdin", "-y", "-v", "error"),
        *_guarded_input(files[0]),
        *("-map", "0:v?", "-map", "0:a?", "-map", "0:s?", "-c", "copy", "-map_metadata", "0"),
        *tags,
        *("-f", muxer, f"file:{files[1]}"),
    ]


TAG_NAMES: Mapping[str, str] = {"Author": "artist", "Creator": "composer", "CreateDate": "date"}
"""exiftool's names that ffmpeg has other words for."""


def _guarded_input(source: str) -> list[str]:
    guards = ["-protocol_whitelist", "file", "-format_whitelist", FORMAT_WHITELIST]
    return [*guards, "-i", f"file:{source}"]


def read_probe(stderr: str) -> Probe | None:
    """Read ffmpeg's description; None if it could not open the file."""
    if "Input #0" not in stderr:
        return None
    kinds = set(_STREAM.findall(stderr))
    found = _DURATION.search(stderr)
    seconds = None
    if found:
        hours, minutes, rest = found.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    return Probe(seconds, "Video" in kinds, "Audio" in kinds, "Subtitle" in kinds)


class Heard:
    """What ffmpeg says on its way, line by line, with levels: the input's description, errors."""

    def __init__(self) -> None:
        self._description: list[str] = []
        self._errors: deque[str] = deque(maxlen=ERRORS)

    def take(self, line: bytes) -> None:
        said = line.decode("utf-8", "replace")
        level = _LEVEL.match(said)
        if level is None or level[1] in ("error", "fatal", "panic"):
            self._errors.append(_LEVEL.sub("", said))
        elif level[1] == "info" and len(self._description) < DESCRIBING:
            self._description.append(_LEVEL.sub("", said))

    @property
    def probe(self) -> Probe | None:
        """What the input is; None as long as it could not be opened."""
        text = "\n".join(self._description)
        return read_probe(text.partition("\nStream mapping:")[0].partition("\nOutput #0")[0])

    @property
    def complaint(self) -> str:
        return complaint("\n".join(self._errors))


ERRORS = 20
"""Lines of errors that are kept, the last ones."""
DESCRIBING = 500
"""Lines in which ffmpeg has described any input."""


def complaint(stderr: str) -> str:
    """Return ffmpeg's own words on what went wrong: its last useful lines, at most two."""
    lines = [_ORIGIN.sub("", line.strip()) for line in stderr.splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith((*_EMPTY_WORDS, " "))]
    return ": ".join(dict.fromkeys(useful[-2:])) or (lines[-1] if lines else "")


def seconds_of(clock: str) -> float:
    """Return the seconds of `HH:MM:SS.mmm`, `MM:SS` or plain seconds."""
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def trimmed_seconds(probe: Probe, options: AudioOptions) -> float | None:
    """Return how long the result will be; None if the input's duration is not known."""
    start = seconds_of(options.trim_start) if options.trim_start else 0.0
    end = seconds_of(options.trim_end) if options.trim_end else probe.seconds
    return None if end is None else max(0.0, end - start)


def encoders(container: Container, options: AudioOptions) -> frozenset[str]:
    """Return the encoders that a conversion may need."""
    chosen = {
        VIDEO_ENCODERS.get(_video_codec(container, options) or ""),
        AUDIO_ENCODERS.get(_audio_codec(container, options) or ""),
    }
    return frozenset(one for one in chosen if one)


@dataclass(frozen=True, slots=True)
class Encoding:
    """One conversion to be done by the program at `program`."""

    program: str
    source: str
    target: str
    output_format: str
    options: AudioOptions
    threads: int


def arguments(encoding: Encoding) -> list[str]:
    """Return the command of one conversion, which also says what the input is: see `Heard`.

    Streams are taken if they are there: a question before would take another process.
    """
    container, options = CONTAINERS[encoding.output_format], encoding.options
    threads = encoding.threads
    return [
        *(encoding.program, "-hide_banner", "-nostdin", "-y", "-v", "level+info", "-nostats"),
        *("-progress", "pipe:1", "-stats_period", "0.5"),
        *_trim(options),
        *_guarded_input(encoding.source),
        *_streams(container, options, threads),
        *("-map_metadata", "0", "-dn", "-max_muxing_queue_size", "1024"),
        *("-threads", str(threads)),
        *container.extra,
        *("-f", container.muxer, f"file:{encoding.target}"),
    ]


def _trim(options: AudioOptions) -> Iterator[str]:
    if options.trim_start:
        yield from ("-ss", options.trim_start)
    if options.trim_end:
        yield from ("-to", options.trim_end)


def _streams(container: Container, options: AudioOptions, threads: int) -> Iterator[str]:
    video = _video_codec(container, options)
    if video and isinstance(options, VideoOptions):
        yield from _video(video, container, options, threads)
    else:
        yield "-vn"
    audio = _audio_codec(container, options)
    if audio:
        yield from _audio(audio, options)
    else:
        yield "-an"
    yield from _subtitles(container, options)


def _video_codec(container: Container, options: AudioOptions) -> str | None:
    """Return the codec's name at the service, `copy`, or None for no video."""
    if not container.video or not isinstance(options, VideoOptions):
        return None
    chosen = options.video_codec or container.video[0]
    return None if chosen == "none" else chosen


def _audio_codec(container: Container, options: AudioOptions) -> str | None:
    if not container.audio:
        return None
    chosen = options.audio_codec or container.audio[0]
    return None if chosen == "none" else chosen


def _video(codec: str, container: Container, options: VideoOptions, threads: int) -> Iterator[str]:
    if codec == "gif":
        yield from _gif(options)
        return
    yield from ("-map", "0:v:0?")
    if codec == "copy":
        yield from ("-c:v", "copy")
        return
    yield from ("-c:v", VIDEO_ENCODERS[codec], "-vf", _filters(options))
    yield from _quality(codec, options)
    yield from _effort(codec, options)
    if codec == "x265":
        yield from ("-x265-params", f"log-level=error:pools={threads}")
        if container.muxer in ("mp4", "mov"):
            # Without it Apple's players do not recognise HEVC.
            yield from ("-tag:v", "hvc1")
    if options.fps:
        yield from ("-r", _number(options.fps))
    if options.keyframe_interval:
        yield from ("-g", str(options.keyframe_interval))
    if options.aspect_ratio:
        yield from ("-aspect", options.aspect_ratio)


def _filters(options: VideoOptions) -> str:
    even = "scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p"
    return ",".join([*_scale(options), even])


def _scale(options: VideoOptions) -> list[str]:
    width, height = _even(options.width), _even(options.height)
    if width is None and height is None:
        return []
    if width is None or height is None:
        return [f"scale={_within('iw', width)}:{_within('ih', height)}"]
    box = f"{width}:{height}"
    if options.fit == "scale":
        return [f"scale={box}"]
    if options.fit == "crop":
        return [f"scale={box}:{_ASPECT}=increase:{_DIVISIBLE}", f"crop={box}"]
    if options.fit == "pad":
        return [f"scale={box}:{_ASPECT}=decrease:{_DIVISIBLE}", f"pad={box}:(ow-iw)/2:(oh-ih)/2"]
    return [f"scale='min({width},iw)':'min({height},ih)':{_ASPECT}=decrease:{_DIVISIBLE}"]


_ASPECT = "force_original_aspect_ratio"
_DIVISIBLE = "force_divisible_by=2"


def _even(side: int | None) -> int | None:
    """Return the side as 4:2:0 pictures can have it."""
    return None if side is None else side - side % 2


def _within(own: str, side: int | None) -> str:
    """Return one side of a scaling that keeps proportions and does not enlarge."""
    return "-2" if side is None else f"'min({side},{own})'"


def _quality(codec: str, options: VideoOptions) -> Iterator[str]:
    if options.video_bitrate:
        rate = options.video_bitrate
        yield from ("-b:v", f"{rate}k", "-maxrate", f"{rate}k", "-bufsize", f"{2 * rate}k")
    elif codec in ("vp8", "vp9", "av1"):
        yield from ("-crf", str(DEFAULT_CRF[codec] if options.crf is None else options.crf))
        # libvpx reads a bit rate of zero as "quality alone decides"; VP8 needs a ceiling.
        yield from ("-b:v", "4M" if codec == "vp8" else "0")
    elif codec in ("x264", "x265"):
        if options.crf is not None:
            yield from ("-crf", str(min(options.crf, 51)))
    else:
        yield from ("-q:v", "7" if codec == "theora" else "4")


def _effort(codec: str, options: VideoOptions) -> Iterator[str]:
    step = _PRESETS.index(options.preset)
    if codec in ("x264", "x265"):
        yield from ("-preset", options.preset)
        if options.tune:
            yield from ("-tune", options.tune)
    elif codec == "av1":
        yield from ("-preset", str(12 - step))
    elif codec in ("vp8", "vp9"):
        yield from ("-deadline", "good", "-cpu-used", str(max(0, 5 - step // 2)))
    if codec == "x264" and options.profile:
        yield from ("-profile:v", options.profile)
    if codec == "x264" and options.level:
        yield from ("-level", options.level)


def _gif(options: VideoOptions) -> Iterator[str]:
    rate = f"fps={_number(options.fps or 12)}"
    before = ",".join([rate, *_scale(options)])
    palette = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
    yield from ("-filter_complex", f"[0:v:0]{before},{palette}", "-c:v", "gif")


def _audio(codec: str, options: AudioOptions) -> Iterator[str]:
    yield from ("-map", "0:a:0?")
    if codec == "copy":
        yield from ("-c:a", "copy")
        return
    yield from ("-c:a", AUDIO_ENCODERS[codec])
    if options.audio_bitrate:
        yield from ("-b:a", f"{options.audio_bitrate}k")
    if options.channels:
        yield from ("-ac", str(options.channels))
    if options.sample_rate:
        yield from ("-ar", str(options.sample_rate))
    if options.volume is not None:
        yield from ("-af", f"volume={_number(options.volume)}")


def _subtitles(container: Container, options: AudioOptions) -> Iterator[str]:
    wanted = isinstance(options, VideoOptions) and options.subtitles_mode != "none"
    if not (wanted and container.subtitles):
        yield "-sn"
        return
    copied = isinstance(options, VideoOptions) and options.subtitles_mode == "copy"
    yield from ("-map", "0:s?", "-c:s", "copy" if copied else container.subtitles)


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
