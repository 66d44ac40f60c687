"""Two scenarios over one embedded server: one converts without waiting, one picks results up."""

from pathlib import Path

from PIL import Image
from serve_process import serving
from workplace import Place

PAIR = ("scenarios/pick_up.yaml", "scenarios/convert_later.yaml")


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.iterdir():
        with Image.open(path) as picture:
            assert picture.format == "WEBP"
            found[path.name] = picture.size
    return found


def test_what_one_scenario_starts_another_picks_up(place: Place) -> None:
    with serving(place.folder, *PAIR) as serve:
        assert "only what is stored" in serve.until("retries_only")["text"]
        told = place.fusion("run", PAIR[1])
        assert "finished" in told
        for number in (1, 2):
            ran = serve.until("run", number)
            assert ran["execution"]["status"] == "success"
            assert ran["event_id"].startswith("job.finished:")
        assert serve.stop() == 143
    outbox = place.examples / "pick_up/outbox"
    assert {name: size[0] for name, size in sizes(outbox).items()} == {
        "dawn.webp": 320,
        "dusk.webp": 320,
    }
    assert "nothing new" in place.fusion("run", PAIR[1])
