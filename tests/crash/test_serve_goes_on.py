"""`fusion serve` killed amid a run: the next one goes on with it, and repeats nothing."""

import threading
from pathlib import Path

import httpx
from serve_process import Serving, serving

RINGS = """\
flow:
  - id: bell
    module: bell.ring
  - id: record
    module: probe.record
    with: {text: "{{ bell.word }}"}
  - module: hold.until
    with: {file: go}
"""

PROBES = str(Path(__file__).parents[1] / "probe_modules")


def ring(serve: Serving, word: str) -> int:
    url = serve.until("hook")["url"]
    reply = httpx.post(url, json={"word": word}, headers={"x-bell": "ours"}, trust_env=False)
    return reply.status_code


def test_a_run_that_was_killed_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    (tmp_path / "rings.yaml").write_text(RINGS)
    seen = tmp_path / "seen.txt"
    with serving(tmp_path, "rings.yaml", "--modules", PROBES) as serve:
        assert ring(serve, "first") == 200
        assert ring(serve, "second") == 200
        tick = threading.Event()
        while not seen.exists():
            assert serve.process.poll() is None
            tick.wait(0.05)
        tick.wait(0.5)  # the record of it is noted within milliseconds
        serve.process.kill()
        serve.process.wait()
    (tmp_path / "go").touch()
    with serving(tmp_path, "rings.yaml", "--modules", PROBES) as serve:
        assert [serve.until("run", number)["event_id"] for number in (1, 2)] == ["first", "second"]
        assert ring(serve, "first") == 200
        assert serve.until("event")["new"] is False
        assert serve.stop() == 143
    assert seen.read_text() == "record:first\nrecord:second\n"
