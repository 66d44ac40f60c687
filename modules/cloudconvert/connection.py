"""A connection to CloudConvert. Source: CloudConvert API v2, hosts, regions, sandbox."""

from collections.abc import Mapping
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from engine.errors import InvalidAccessTokenError
from engine.module import Connection, ConnectionFields, Credential, Http

FORBIDDEN = 403

AT_ONCE: Final = 50
PER_MINUTE: Final = 1200
"""Assumed: what an account bears that has no limits of its own; the service publishes no numbers.
Past them it answers 429, and says when to come again."""


def _base_url(text: str) -> str:
    """Return the URL without a slash at its end, and with the API's version.

    Assumed: who gives a host alone means the API's usual path below it.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("give an http or https URL without a user name")
    if parts.query or parts.fragment:
        raise ValueError("give a URL without `?` and `#`")
    if parts.port == 0:
        raise ValueError("give a port from 1 to 65535")
    path = parts.path.rstrip("/") or "/v2"
    return f"{parts.scheme}://{parts.netloc}{path}"


BaseUrl = Annotated[str, AfterValidator(_base_url)]


class CloudConvertConnection(ConnectionFields):
    """The right to use CloudConvert, or a server that speaks its API."""

    api_key: Credential
    """API key of an account, with the scopes `task.read` and `task.write`; for New Job Event also
    `webhook.read` and `webhook.write`."""
    base_url: BaseUrl | None = None
    """Address of another server with the same API, its version included; left out: CloudConvert."""
    sync_base_url: BaseUrl | None = None
    """Its address for requests that wait for the end of a job."""
    region: str | None = Field(
        default=None, pattern=r"^[a-z]{2}(-[a-z0-9]+)+$", examples=["eu-central", "us-east"]
    )
    """Where jobs run: `eu-central`, `us-east` or a newer one; left out: the account's setting."""
    sandbox: bool = False
    """Use the sandbox: nothing is billed, and only files listed there are processed."""
    requests_at_once: int = Field(default=AT_ONCE, ge=1, le=256)
    """Most requests under way at a time, uploads and downloads included; more wait their turn."""
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    """Most requests that begin in any minute; more wait their turn. Left out: 1200 at CloudConvert,
    and as many as there are at a `base_url`."""

    @model_validator(mode="after")
    def _one_service(self) -> Self:
        if self.base_url and (self.region or self.sandbox):
            raise ValueError("`base_url` goes with neither `region` nor `sandbox`")
        if self.region and self.sandbox:
            raise ValueError("the sandbox has no regions: leave out `region` or `sandbox`")
        if self.sync_base_url and not self.base_url:
            raise ValueError("`sync_base_url` needs `base_url`")
        return self

    def connect(self, secrets: Mapping[str, str]) -> Connection:
        at_once, per_minute = self.requests_at_once, self.requests_per_minute
        if self.base_url:
            return Connection(
                self.base_url, secrets["api_key"], self.sync_base_url, at_once, per_minute
            )
        region = f"{self.region}." if self.region else ""
        host = "sandbox.cloudconvert.com" if self.sandbox else "cloudconvert.com"
        return Connection(
            f"https://{region}api.{host}/v2",
            secrets["api_key"],
            f"https://{region}sync.api.{host}/v2",
            at_once,
            per_minute or PER_MINUTE,
        )

    async def test(self, http: Http) -> None:
        """Ask for one job, which needs the scope that every module needs.

        Whether the key may also create jobs (`task.write`) shows when the first is created: no
        request tells it without creating one.
        """
        try:
            await http.request("GET", "/jobs", query={"per_page": 1})
        except InvalidAccessTokenError as error:
            if error.detail.get("status") == FORBIDDEN:
                raise InvalidAccessTokenError(
                    f"the API key lacks the scope `task.read`: {error.message}",
                    detail=error.detail,
                ) from error
            raise
