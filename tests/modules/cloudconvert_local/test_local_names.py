"""Names, formats and words: the plain functions beneath the server."""

from pathlib import Path

import pytest

from modules.cloudconvert.local.converters.containers import CONTAINERS
from modules.cloudconvert.local.converters.ffmpeg import (
    AudioOptions,
    Heard,
    Probe,
    complaint,
    read_probe,
    seconds_of,
    trimmed_seconds,
)
from modules.cloudconvert.local.converters.media import progress_reader
from modules.cloudconvert.local.formats import FORMATS, canonical, format_of_name, stem_of_name
from modules.cloudconvert.local.naming import clean_name, distinct, result_names
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import format_of_file, is_plausible, sniff_bytes


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("film.mov", "film.mov"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\film.mov", "film.mov"),
        ("a\x00b\r\nc\x1b[31m.txt", "abc[31m.txt"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("u\u0308.txt", "ü.txt"),
        ("..", "file"),
        ("", "file"),
        ("  ", "file"),
        (".profile", ".profile"),
    ],
)
def test_a_name_is_only_a_label(given: str, label: str) -> None:
    assert clean_name(given) == label


def test_a_long_name_is_cut_between_characters_and_keeps_its_extension() -> None:
    label = clean_name("ü" * 300 + ".mov")
    assert len(label.encode()) <= 255
    assert label.endswith("ü.mov")
    assert len(clean_name("a." + "b" * 300).encode()) == 255


def test_results_are_named_after_their_source() -> None:
    assert result_names(None, "a.tar.gz", "zip", 1) == ["a.zip"]
    assert result_names(None, "doc.pdf", "png", 2) == ["doc-1.png", "doc-2.png"]
    assert result_names("page-%d.png", "x", "png", 2) == ["page-1.png", "page-2.png"]
    assert result_names("p%03d.png", "x", "png", 1) == ["p001.png"]
    assert result_names("../up.png", "x", "png", 1) == ["up.png"]


def test_equal_names_all_survive() -> None:
    assert distinct(["a.txt", "a-1.txt", "A.txt"]) == ["a.txt", "a-1.txt", "A-2.txt"]
    assert distinct(["x.tar.gz", "x.tar.gz"]) == ["x.tar.gz", "x-1.tar.gz"]


def test_formats_have_one_spelling() -> None:
    assert [canonical(name) for name in (".JPEG", "tif", "mp4")] == ["jpg", "tiff", "mp4"]
    assert (format_of_name("a.TAR.GZ"), format_of_name("a.b"), format_of_name("x")) == (
        "tar.gz",
        None,
        None,
    )
    assert stem_of_name("a.tar.gz") == "a"
    assert set(CONTAINERS) <= set(FORMATS)


@pytest.mark.parametrize(
    ("head", "first"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\0\0\0\x14ftypqt  \0", "mov"),
        (b"\0\0\0\x14ftypisom\0", "mp4"),
        (b"\0\0\0\x14ftyp3gp4\0", "3gp"),
        (b"\0\0\0\x1cftypavif\0", "avif"),
        (b"\0\0\x10\0moov", "mov"),
        (b"RIFF\0\0\0\0WEBP", "webp"),
        (b"\x1a\x45\xdf\xa3\x01\x42\x82\x84webm", "webm"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "docx"),
        (b"PK\x03\x04" + bytes(26) + b"a.txt", "zip"),
        (bytes(257) + b"ustar", "tar"),
    ],
)
def test_content_is_known_by_its_first_bytes(head: bytes, first: str) -> None:
    assert sniff_bytes(head)[0] == first
    assert sniff_bytes(head[:2] + b"?" + head[3:] if first == "png" else b"?") == ()


def test_the_name_decides_where_the_bytes_leave_it_open(tmp_path: Path) -> None:
    path = tmp_path / "in.0"
    path.write_bytes(b"\0\0\0\x14ftypisom\0")
    assert format_of_file(path, "a.m4a", None) == "m4a"
    assert format_of_file(path, "a.png", None) == "mp4"
    assert format_of_file(path, "a.png", "MOV") == "mov"
    path.write_bytes(b"just words\n")
    assert format_of_file(path, "README", None) == "txt"
    path.write_bytes(b"\x00\x01")
    with pytest.raises(TaskFailure):
        format_of_file(path, "README", None)


def test_a_result_must_look_like_its_format(tmp_path: Path) -> None:
    path = tmp_path / "out.0"
    path.write_bytes(b"%PDF-1.7")
    assert is_plausible(path, "pdf")
    assert not is_plausible(path, "png")
    path.write_bytes(b"gibberish")
    assert not is_plausible(path, "pdf")


def test_the_words_of_ffmpeg_are_found_among_its_phrases() -> None:
    said = (
        "[mov,mp4 @ 0x55] moov atom not found\n"
        "[in#0 @ 0x56] Error opening input: Invalid data found when processing input\n"
        "Error opening input file file:/x/in.0.\n"
        "Error opening input files: Invalid data found when processing input\n"
    )
    assert complaint(said) == (
        "moov atom not found: Error opening input: Invalid data found when processing input"
    )
    assert complaint("Conversion failed!\n") == "Conversion failed!"
    assert complaint("") == ""


def test_a_probe_tells_duration_and_streams() -> None:
    said = (
        "Input #0, mov, from 'x':\n  Duration: 01:02:03.50, start: 0.0\n"
        "  Stream #0:0[0x1](und): Video: h264\n  Stream #0:1: Audio: aac\n"
    )
    assert read_probe(said) == Probe(3723.5, video=True, audio=True)
    assert read_probe("x: Invalid data found") is None


def test_what_ffmpeg_says_on_its_way_is_told_apart_by_level() -> None:
    heard = Heard()
    heard.take(b"[in#0 @ 0x55] [warning] odd, but fine")
    assert heard.probe is None
    for line in (
        b"[info] Input #0, mov, from 'x':",
        b"[info]     title           : [error] not one",
        b"[info]   Duration: 00:00:02.00, start: 0.0",
        b"[info]   Stream #0:0: Audio: aac",
        b"[info] Output #0, mp4, to 'y':",
        b"[info]   Stream #0:0: Video: h264",
        b"[mov,mp4 @ 0x55] [aac @ 0x56] [error] broken \xff",
        b"[fatal] Conversion failed!",
    ):
        heard.take(line)
    assert heard.probe == Probe(2.0, video=False, audio=True)
    assert heard.complaint == "broken \ufffd"


@pytest.mark.parametrize(("clock", "seconds"), [("00:01:02.5", 62.5), ("01:30", 90), ("7", 7)])
def test_clocks_are_read(clock: str, seconds: float) -> None:
    assert seconds_of(clock) == seconds


def test_the_percentage_is_of_the_trimmed_part_and_never_falls() -> None:
    probe = Probe(100.0, video=True, audio=True)
    options = AudioOptions(trim_start="10", trim_end="00:00:30")
    seconds = trimmed_seconds(probe, options)
    assert seconds == 20
    heard: list[int] = []
    on_line = progress_reader(lambda: seconds, heard.append)
    for line in (b"out_time_us=N/A", b"out_time_us=5000000", b"out_time_us=4000000", b"progress=x"):
        on_line(line)
    on_line(b"out_time_us=20000000\r")
    assert heard == [25, 99]
