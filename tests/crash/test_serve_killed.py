"""`fusion serve` killed between its answer and the run: the next serve runs the event, once."""

import signal
from pathlib import Path
from urllib.parse import urlsplit

from serve_process import serving
from webhook_service import WebhookService, webhook_service
from workplace import Place

PICK_UP = """\
connections:
  cc: {{type: cloudconvert, api_key: {{env: CC_KEY}}, base_url: "{url}"}}
flow:
  - id: ended
    module: cloudconvert.new_job_event
    connection: cc
    with: {{webhook_name: Results, event: job.finished}}
  - id: save
    module: files.save_file
    with: {{folder: jobs, file: {{name: "{{{{ ended.job.id }}}}.txt", data: x}}}}
"""

KEY = {"CC_KEY": "a-long-and-secret-key"}


def event(job_id: str) -> dict[str, object]:
    return {"event": "job.finished", "job": {"id": job_id, "status": "finished", "tasks": []}}


def jobs(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "jobs").glob("*"))


def test_an_accepted_event_survives_and_the_hook_left_behind_is_removed(tmp_path: Path) -> None:
    with webhook_service() as service:
        (tmp_path / "pick.yaml").write_text(PICK_UP.format(url=service.url))
        _accepted_and_killed(tmp_path, service)
        assert list(service.webhooks) == [1]
        assert jobs(tmp_path) == []
        _run_by_the_next(tmp_path, service)
        assert service.webhooks == {}
        assert jobs(tmp_path) == ["j1", "j2"]


def _accepted_and_killed(folder: Path, service: WebhookService) -> None:
    with serving(folder, "pick.yaml", **KEY) as serve:
        assert service.webhooks[1]["events"] == ["job.finished"]
        Place(folder).fusion("deactivate", "pick")
        assert service.deliver(1, event("j0"), secret="a stranger's") == 401
        assert service.deliver(1, event("j1")) == 200
        assert serve.until("rests")["events"] == 1
        serve.process.kill()
        serve.process.wait()
        assert {line["status"] for line in serve.of("refused")} == {401}


def _run_by_the_next(folder: Path, service: WebhookService) -> None:
    place, old_secret = Place(folder), service.secrets[1]
    with serving(folder, "pick.yaml", **KEY) as serve:
        assert list(service.webhooks) == [2]
        assert "removed" in serve.until("hook_removed")["text"]
        assert service.deliver(2, event("j3"), secret=old_secret) == 401
        assert service.deliver(2, event("j1")) == 200
        assert serve.until("event")["new"] is False
        told = place.fusion("serve", "pick.yaml", "--port", "0", exit_code=6)
        assert "serves this store already" in told
        place.fusion("activate", "pick")
        assert service.deliver(2, event("j2")) == 200
        assert serve.until("run", 1)["event_id"] == "job.finished:j1"
        assert serve.until("run", 2)["event_id"] == "job.finished:j2"
        assert service.deliver(2, event("j1")) == 200
        assert serve.stop(signal.SIGINT) == 130
        assert len(serve.of("run")) == 2


def test_a_hook_left_behind_goes_on_at_its_address_so_that_no_event_is_missed(
    tmp_path: Path,
) -> None:
    with webhook_service() as service:
        (tmp_path / "pick.yaml").write_text(PICK_UP.format(url=service.url))
        with serving(tmp_path, "pick.yaml", **KEY) as serve:
            port = urlsplit(serve.until("ready")["origin"]).port
            serve.process.kill()
        with serving(tmp_path, "pick.yaml", "--port", str(port), **KEY) as serve:
            assert "goes on" in serve.until("hook")["text"]
            assert list(service.webhooks) == [1]
            assert service.deliver(1, event("j1"), secret="a stranger's") == 401
            assert service.deliver(1, event("j1")) == 200
            assert serve.until("run")["event_id"] == "job.finished:j1"
            assert serve.stop(signal.SIGINT) == 130
        assert service.webhooks == {}
        assert jobs(tmp_path) == ["j1"]
