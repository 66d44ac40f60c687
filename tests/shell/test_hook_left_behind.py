"""`fusion serve` finds the hook of one that died, and may not look at it."""

from pathlib import Path

from served import ORIGIN, at_work
from webhook_service import webhook_service

from engine.app import opened
from engine.model.events import Hook


async def test_a_hook_left_behind_that_may_not_be_looked_at_is_removed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-long-and-secret-key")
    (tmp_path / "key").chmod(0o600)
    with webhook_service() as service:
        connection = f"{{type: cloudconvert, api_key: {{file: key}}, base_url: '{service.url}'}}"
        (tmp_path / "ended.yaml").write_text(
            f"connections:\n  cc: {connection}\n"
            "flow:\n  - module: cloudconvert.new_job_event\n    connection: cc\n"
            "    with: {webhook_name: Results}\n  - module: tools.set_variables\n"
            "    with: {variables: {a: 1}}\n"
        )
        old = service.register({"url": f"{ORIGIN}/hooks/old", "events": ["job.finished"]})
        async with opened(tmp_path / ".fusion", create=True) as store:
            data = {"id": str(old["id"])}
            await store.events.set_hook(Hook("ended", "new_job_event", old["url"], data))
        service.is_readable = False
        async with at_work(tmp_path, "ended.yaml") as serve:
            assert len(serve.heard.texts("hook_removed")) == 1
            assert list(service.webhooks) == [2]
        assert service.webhooks == {}
