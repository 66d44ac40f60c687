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


WAITS = """\
flow:
  - id: ended
    module: cloudconvert.new_job_event
    with: {{webhook_name: Alone, event: {event}}}
  - id: save
    module: files.save_file
    with: {{folder: out, file: {{name: "{event}.txt", data: "{{{{ {item} }}}}"}}}}
"""

ALONE = """\
flow:
  - id: start
    module: tools.basic_trigger
    with: {bundles: [{text: hello}]}
  - id: made
    module: cloudconvert.make_api_call
    with:
      url: /v2/import/raw
      method: POST
      body: {file: "{{ start.text }}", filename: a.txt}
"""


def test_a_task_that_was_made_alone_counts_as_a_job_and_has_events_of_its_own(
    place: Place,
) -> None:
    events = {"job.finished": "ended.job.status", "task.finished": "ended.task.operation"}
    for event, item in events.items():
        name = f"{event.replace('.', '_')}.yaml"
        (place.folder / name).write_text(WAITS.format(event=event, item=item))
    (place.folder / "alone.yaml").write_text(ALONE)
    with serving(place.folder, "job_finished.yaml", "task_finished.yaml") as serve:
        place.fusion("run", "alone.yaml")
        serve.until("run", 2)
        assert serve.stop() == 143
    told = {path.stem: path.read_text() for path in (place.folder / "out").iterdir()}
    assert told == {"job.finished": "finished", "task.finished": "import/raw"}
