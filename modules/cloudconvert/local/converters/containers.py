"""What each media format can hold, and how ffmpeg names it. Tables only."""

from collections.abc import Mapping
from dataclasses import dataclass

VIDEO_ENCODERS: Mapping[str, str] = {
    "x264": "libx264",
    "x265": "libx265",
    "vp8": "libvpx",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "mpeg4": "mpeg4",
    "mpeg2": "mpeg2video",
    "theora": "libtheora",
    "wmv2": "wmv2",
    "flv1": "flv",
    "gif": "gif",
}
AUDIO_ENCODERS: Mapping[str, str] = {
    "aac": "aac",
    # No free encoder makes HE-AAC; plain AAC plays everywhere that it does.
    "aac_he_1": "aac",
    "aac_he_2": "aac",
    "mp3": "libmp3lame",
    "mp2": "mp2",
    "opus": "libopus",
    "vorbis": "libvorbis",
    "flac": "flac",
    "pcm": "pcm_s16le",
    "wma": "wmav2",
}


@dataclass(frozen=True, slots=True)
class Container:
    """`video` and `audio` list the codecs it takes, the default first; empty: it holds none."""

    muxer: str
    video: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    """Arguments that every file of this kind gets."""
    subtitles: str | None = None
    """The codec of embedded subtitles; None: it holds none."""

    @property
    def encoders(self) -> frozenset[str]:
        """What ffmpeg must bring for the defaults."""
        video = {VIDEO_ENCODERS[self.video[0]]} if self.video else set()
        audio = {AUDIO_ENCODERS[self.audio[0]]} if self.audio else set()
        return frozenset(video | audio)


_FAST_START = ("-movflags", "+faststart")
_AAC = ("aac", "aac_he_1", "aac_he_2", "mp3")
_ISO_VIDEO = ("x264", "x265", "av1", "mpeg4")

CONTAINERS: Mapping[str, Container] = {
    "mp4": Container("mp4", (*_ISO_VIDEO, "vp9"), (*_AAC, "opus"), _FAST_START, "mov_text"),
    "m4v": Container("mp4", _ISO_VIDEO, _AAC, _FAST_START, "mov_text"),
    "mov": Container("mov", ("x264", "x265", "mpeg4"), (*_AAC, "pcm"), _FAST_START, "mov_text"),
    "mkv": Container(
        "matroska",
        ("x264", "x265", "vp9", "vp8", "av1", "mpeg4", "mpeg2", "theora"),
        (*_AAC, "opus", "vorbis", "flac", "pcm"),
        subtitles="srt",
    ),
    "webm": Container("webm", ("vp9", "vp8", "av1"), ("opus", "vorbis"), subtitles="webvtt"),
    "avi": Container("avi", ("x264", "mpeg4"), ("mp3", "aac", "pcm")),
    "flv": Container("flv", ("x264", "flv1"), ("aac", "mp3")),
    "wmv": Container("asf", ("wmv2",), ("wma",)),
    "mpg": Container("mpeg", ("mpeg2",), ("mp2",)),
    "ogv": Container("ogg", ("theora",), ("vorbis", "opus")),
    "3gp": Container("3gp", ("x264", "mpeg4"), ("aac",)),
    "ts": Container("mpegts", ("x264", "x265", "mpeg2"), ("aac", "mp3", "mp2")),
    "gif": Container("gif", ("gif",)),
    "mp3": Container("mp3", audio=("mp3",)),
    "wav": Container("wav", audio=("pcm",)),
    "flac": Container("flac", audio=("flac",)),
    "ogg": Container("ogg", audio=("vorbis", "opus", "flac")),
    "opus": Container("opus", audio=("opus",)),
    "m4a": Container("ipod", audio=("aac", "aac_he_1", "aac_he_2"), extra=_FAST_START),
    "aac": Container("adts", audio=("aac", "aac_he_1", "aac_he_2")),
    "wma": Container("asf", audio=("wma",)),
}
