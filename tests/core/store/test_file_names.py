import pytest

from engine.store.names import MAX_BYTES, clean_name


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("clip.mov", "clip.mov"),
        ("Grüße aus Rom.txt", "Grüße aus Rom.txt"),
        ("e\u0301te\u0301.txt", "\u00e9t\u00e9.txt"),
        ("👩\u200d💻.png", "👩\u200d💻.png"),
        (".bashrc", ".bashrc"),
        ("AC/DC.mp3", "AC_DC.mp3"),
        ("C:\\Users\\ann\\a.txt", "C:_Users_ann_a.txt"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a\0b\r\nc\x7f\x85\u2028d", "abcd"),
        ("ann\u202egnp.exe", "anngnp.exe"),
        ("a\ud800b", "ab"),
        ("  a  ", "a"),
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        ("\u202e..\0", "file"),
        (" ", "file"),
    ],
)
def test_a_name_becomes_a_harmless_label(name: str, label: str) -> None:
    assert clean_name(name) == label
    assert clean_name(label) == label


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("x" * 300 + ".mov", ".mov"),
        ("ü" * 200 + ".tar.gz", ".gz"),
        ("👩" * 100, "👩"),
        ("x." + "y" * 300, "y"),
        ("." + "y" * 300, "y"),
        ("x" * 254 + " .mov", "x.mov"),
    ],
)
def test_a_long_name_is_cut_and_keeps_its_extension(name: str, ending: str) -> None:
    label = clean_name(name)
    assert MAX_BYTES - 5 < len(label.encode()) <= MAX_BYTES
    assert label.endswith(ending)
