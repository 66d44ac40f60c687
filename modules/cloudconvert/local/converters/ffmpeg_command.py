"""An ffmpeg command that somebody else wrote, let through as far as it is on a list.

Options, filters and formats that read or write files beside the task's own, or reach a network,
are not on it; everything else of use is. Plain functions; nothing runs here.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from modules.cloudconvert.local.converters.command_words import (
    INPUT,
    OUTPUT,
    Command,
    NotAllowed,
    Places,
    Read,
    Written,
    tokens_of,
)
from modules.cloudconvert.local.converters.containers import CONTAINERS
from modules.cloudconvert.local.converters.ffmpeg import FORMAT_WHITELIST

INPUT_FORMATS = f"{FORMAT_WHITELIST},png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,srt,webvtt"
FORMATS = frozenset(
    (
        *FORMAT_WHITELIST.split(","),
        *(container.muxer for container in CONTAINERS.values()),
        *("image2", "mjpeg", "webp", "apng", "null", "srt", "webvtt", "ass", "opus", "oga"),
    )
)
_FLAGS = """
y n an vn sn dn shortest hide_banner nostdin ignore_unknown copyts start_at_zero
"""
FLAGS = frozenset(_FLAGS.split())
_PLAIN = """
c codec vcodec acodec scodec b ab vb maxrate minrate bufsize r s aspect g bf crf qp q qscale
preset tune profile level pix_fmt ac ar ss sseof to t frames vframes aframes stream_loop loop
map_metadata map_chapters movflags tag vtag atag threads sample_fmt channel_layout
color_primaries color_trc colorspace color_range disposition itsoffset fps_mode vsync deadline
cpu-used row-mt tile-columns tile-rows lag-in-frames speed usage compression_level quality
lossless refs sc_threshold keyint_min strict fflags flags max_muxing_queue_size ch_layout vol
update start_number hls_time hls_list_size
"""
PLAIN = frozenset(_PLAIN.split())
"""Options with a value of no more than a word or number."""
GRAPHS = frozenset(("vf", "af", "filter", "filter_complex", "lavfi"))
_FILTERS = """
scale crop pad fps transpose hflip vflip rotate setpts setsar setdar format trim reverse fade
eq hue colorbalance gblur boxblur avgblur unsharp noise overlay hstack vstack xstack concat
split null palettegen paletteuse tile thumbnail select drawbox drawgrid yadif bwdif hqdn3d
nlmeans vignette zoompan tpad loop minterpolate negate lutyuv lutrgb lut colorchannelmixer
chromakey colorkey blend alphamerge alphaextract extractplanes setrange tonemap zscale
cropdetect blackdetect scale2ref edgedetect xfade color testsrc testsrc2 smptebars nullsrc
gradients volume atrim asetpts atempo afade aresample aformat amix amerge pan channelsplit
channelmap asplit anull loudnorm dynaudnorm highpass lowpass equalizer bass treble acompressor
alimiter silenceremove silencedetect volumedetect areverse adelay apad aecho compand showwaves
showwavespic showspectrumpic ebur128 join acrossfade aloop anullsrc sine aselect settb asettb
fieldorder interlace deband
"""
FILTERS = frozenset(_FILTERS.split())

_PLAIN_VALUE = re.compile(r"(?!/)[\w.:+\-/]{1,100}")
_MAP_VALUE = re.compile(r"-?[\w\[\]:.?\-]{1,60}")
_METADATA = re.compile(r"[\w-]{1,60}=[^\x00-\x1f]{0,2000}")
_GRAPH = re.compile(r"[\w=:,;\[\]()*/+\-.<>|@# '!?&^~%\n]{1,5000}")
_FILTER = re.compile(
    r"\s*(?:\[\w[\w:]*\]\s*)*([a-z0-9_]+)(?:@\w+)?\s*(?:=[^\[\]]*)?(?:\[\w+\]\s*)*"
)

GUARDS = ("-protocol_whitelist", "file", "-format_whitelist", INPUT_FORMATS)


def line(command: Command, program: str, places: Places, output: str) -> list[str]:
    """Return the command line; `output` is a folder."""
    found = [program, "-hide_banner", "-nostdin", "-y"]
    for word in command.words:
        match word:
            case Read(name):
                found += [*GUARDS, "-i", f"file:{places[name]}"]
            case Written(name):
                found.append(f"file:{output}/{name}")
            case str():
                found.append(word)
    return found


def allowed(text: str) -> Command:
    """Read the arguments of a command. Raises NotAllowed."""
    command = Command()
    left = iter(tokens_of(text))
    for token in left:
        if token.startswith("-"):
            _option(token, left, command)
        elif found := OUTPUT.fullmatch(token):
            command.words.append(Written(found[1]))
        else:
            raise NotAllowed(f"{token!r} is no option, and no file below /output/")
    return command


def _option(token: str, left: Iterator[str], command: Command) -> None:
    name = token[1:].partition(":")[0]
    if name in FLAGS:
        command.words.append(token)
        return
    value = next(left, None)
    if value is None:
        raise NotAllowed(f"{token} has no value, or is not on the list of options")
    if name == "i":
        if not INPUT.fullmatch(value):
            raise NotAllowed(f"{value!r} is no file below /input/{{task}}/")
        command.words.append(Read(value))
        return
    if name not in _CHECKS:
        raise NotAllowed(f"the option {token} is not on the list")
    if not _CHECKS[name](value):
        raise NotAllowed(f"the value {value!r} of {token} is not allowed")
    command.words += [token, value]


def _is_plain(value: str) -> bool:
    return ".." not in value and "://" not in value and bool(_PLAIN_VALUE.fullmatch(value))


def _is_graph(value: str) -> bool:
    """Say whether a graph has listed filters only, and no option that is read from a file.

    As for ffmpeg, a comma between brackets ends a filter, unless it is quoted.
    """
    if not _GRAPH.fullmatch(value) or value.count("'") % 2:
        return False
    bare = re.sub(r"'[^']*'", "0", value)
    if "file" in value or re.search(r"[=:]\s*/|\.\.|://", value.replace("'", "")):
        return False
    filters = [_FILTER.fullmatch(part) for part in re.split("[,;]", bare) if part.strip()]
    return bool(filters) and all(found is not None and found[1] in FILTERS for found in filters)


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(PLAIN, _is_plain),
    **dict.fromkeys(GRAPHS, _is_graph),
    "f": FORMATS.__contains__,
    "map": lambda value: bool(_MAP_VALUE.fullmatch(value)),
    "metadata": lambda value: bool(_METADATA.fullmatch(value)),
}
