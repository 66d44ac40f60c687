"""Every example runs with one command and leaves what its first line says."""

import re
import subprocess
import zipfile
from pathlib import Path

import imageio_ffmpeg
import pikepdf
import pytest
from PIL import Image
from workplace import Place

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EXAMPLES = sorted(set(SCENARIOS.glob("*.yaml")) - set(SCENARIOS.glob("*.test.yaml")))


def seen_by_ffmpeg(path: Path) -> str:
    """Decode a file to its end and return what ffmpeg says of its streams."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    words = [program, "-hide_banner", "-nostdin", "-xerror", "-i", str(path), "-f", "null", "-"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_in_its_first_line_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith("# Shows: ")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path, place: Place) -> None:
    place.fusion("validate", place.examples / path.name)


def test_the_tests_beside_the_examples_pass(place: Place) -> None:
    place.fusion("test", place.examples)


def test_photos_come_out_resized_in_one_archive(place: Place) -> None:
    place.fusion("run", place.examples / "photos.yaml")
    with zipfile.ZipFile(place.examples / "photos/outbox/hills.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["dawn.webp", "noon.webp", "dusk.webp", "night.webp"]
        for member in archive.namelist():
            with archive.open(member) as photo, Image.open(photo) as picture:
                assert (picture.format, picture.size) == ("WEBP", (640, 427))


def test_documents_become_one_pdf_in_the_order_of_the_inputs(place: Place) -> None:
    place.fusion("run", place.examples / "documents.yaml", "--set", "title=visit")
    with pikepdf.open(place.examples / "documents/outbox/visit.pdf") as merged:
        assert len(merged.pages) == 4
        pictures = [len(page.get_images()) for page in merged.pages]
    assert pictures == [0, 1, 0, 0]


def test_the_router_sends_each_type_down_its_route(place: Place) -> None:
    place.fusion("run", place.examples / "router.yaml")
    outbox = place.examples / "router/outbox"
    assert names(outbox) == ["others", "pictures", "videos"]
    assert "Video: h264" in seen_by_ffmpeg(outbox / "videos/clip.mp4")
    with Image.open(outbox / "pictures/photo.webp") as picture:
        assert picture.size == (320, 213)
    same = (place.examples / "router/inbox/readings.csv").read_bytes()
    assert (outbox / "others/readings.csv").read_bytes() == same


def test_a_damaged_picture_is_substituted_and_the_flow_goes_on(place: Place) -> None:
    place.fusion("run", place.examples / "substitute.yaml")
    outbox = place.examples / "substitute/outbox"
    assert names(outbox) == ["damaged.webp", "dawn.webp", "dusk.webp"]
    stand_in = (place.examples / "substitute/placeholder.webp").read_bytes()
    assert (outbox / "damaged.webp").read_bytes() == stand_in
    for name in ("dawn.webp", "dusk.webp"):
        with Image.open(outbox / name) as picture:
            assert picture.size == (300, 200)


def test_the_quickstart_story_runs_as_readme_tells_it(place: Place) -> None:
    scenario = place.examples / "quickstart.yaml"
    outbox = place.examples / "quickstart/outbox"

    told = place.fusion("run", scenario, exit_code=3)
    assert names(outbox) == ["aurora.mp4", "life.mp4"]
    assert "moov atom not found" in told
    incomplete = the_id_after("fusion incomplete show", told)

    assert incomplete in place.fusion("incomplete", "list")
    shown = place.fusion("incomplete", "show", incomplete)
    assert "fractal.mov" in shown
    assert "moov atom not found" in shown

    mended = place.examples / "quickstart/repaired/fractal.mov"
    place.fusion("incomplete", "edit", incomplete, "--file", f"video.file={mended}")
    replayed = place.fusion("replay", incomplete)
    assert names(outbox) == ["aurora.mp4", "fractal.mp4", "life.mp4"]
    assert re.search(r"^\s*convert\b", replayed, re.MULTILINE)
    assert not re.search(r"^\s*video\b", replayed, re.MULTILINE), "the trigger ran again"
    for name in names(outbox):
        said = seen_by_ffmpeg(outbox / name)
        assert re.search(r"Video: hevc .* 320x200\b", said), said
        assert "Audio: aac" in said

    again = place.fusion("run", scenario)
    assert "nothing new" in again
    assert "--reset-trigger" in again


def test_a_reset_trigger_reads_the_whole_folder_again(place: Place) -> None:
    scenario = place.examples / "quickstart.yaml"
    place.fusion("run", scenario, exit_code=3)
    told = place.fusion("run", scenario, "--reset-trigger", exit_code=3)
    assert re.search(r"^video +files.watch_folder +1 +3 ", told, re.MULTILINE), told
    assert place.fusion("incomplete", "list").count("moov atom not found") == 2


def the_id_after(command: str, told: str) -> str:
    found = re.search(rf"{command} ([0-9a-f]+)", told)
    assert found, told
    return found[1]
