from pathlib import Path

import pytest
from contexts import World, outputs

from engine.errors import DataError
from modules.files.get_file import GetFile


async def test_a_file_is_read_by_a_path_from_the_scenarios_folder(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "offer.txt").write_text("Dear Ann")
    [bundle] = await outputs(GetFile, {"path": "letters/offer.txt"}, World(tmp_path))
    assert bundle["file"].path.read_text() == "Dear Ann"
    assert bundle["path"] == str(tmp_path / "letters" / "offer.txt")
    assert (bundle["name"], bundle["size"]) == ("offer.txt", 8)


async def test_the_content_stays_as_it_was_when_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "offer.txt"
    path.write_text("before")
    [bundle] = await outputs(GetFile, {"path": str(path)}, World(tmp_path))
    path.write_text("after")
    assert bundle["file"].path.read_text() == "before"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing.txt", r"missing\.txt: No such file"),
        (".", "directory"),
        ("a\0b", "null character"),
        ("letters/../../etc/passwd", "climbs"),
        ("x" * 300, "too long"),
    ],
)
async def test_a_file_that_cannot_be_read_is_a_data_error(
    tmp_path: Path, path: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        await outputs(GetFile, {"path": path}, World(tmp_path))
