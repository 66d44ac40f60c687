"""Signatures of upload forms and download links; whoever holds one needs no key.

The form has the fields that the real service's storage asks for, so that clients which look at
them find what they expect. Source: CloudConvert API v2, file uploads.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import orjson

FORM_VALID = timedelta(hours=6)
LINK_VALID = timedelta(hours=24)


class Expired(Exception):  # noqa: N818 - the state of a signature
    """The signature is right, its time is over."""


class Forged(Exception):  # noqa: N818 - the state of a signature
    """The signature does not belong to what it came with."""


class Signer:
    """Signs with the data folder's secret. Moments are aware datetimes in UTC."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def _signature(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), "sha256").hexdigest()

    def account_secret(self) -> str:
        """Return the signing secret of signed URLs, and of what no webhook of its own signs: a
        job's `webhook_url`.

        Assumed: the service does not document which one the latter is.
        """
        return self._signature("signing secret of the account")

    def form(self, task_id: str, now: datetime) -> dict[str, str]:
        """Return the fields that an upload to the task must carry."""
        fixed = {
            "acl": "private",
            "key": f"{task_id}/${{filename}}",
            "success_action_status": "201",
            "X-Amz-Credential": f"local/{now:%Y%m%d}/local/s3/aws4_request",
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
        }
        policy = {
            "expiration": (now + FORM_VALID).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": [{name: value} for name, value in fixed.items()],
        }
        encoded = base64.b64encode(orjson.dumps(policy)).decode()
        return {**fixed, "Policy": encoded, "X-Amz-Signature": self._signature(encoded)}

    def task_of_form(self, fields: Mapping[str, str], now: datetime) -> str:
        """Return the id of the task that an upload's fields were signed for.

        Raises Forged if a field is missing or changed, Expired if the form is too old.
        """
        policy = fields.get("Policy", "")
        given = fields.get("X-Amz-Signature", "")
        if not hmac.compare_digest(self._signature(policy).encode(), given.encode()):
            raise Forged
        try:
            terms = orjson.loads(base64.b64decode(policy))
        except (binascii.Error, orjson.JSONDecodeError) as error:
            raise Forged from error
        expected = {name: value for one in terms["conditions"] for name, value in one.items()}
        if any(fields.get(name) != value for name, value in expected.items()):
            raise Forged
        if now > datetime.strptime(terms["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC):
            raise Expired
        return str(expected["key"]).partition("/")[0]

    def link(self, task_id: str, position: int, filename: str, now: datetime) -> str:
        """Return path and query of a download, valid for a day from now."""
        path = f"/storage/tasks/{task_id}/{position}/{quote(filename, safe='')}"
        expires = int((now + LINK_VALID).timestamp())
        unsigned = f"{path}?expires={expires}"
        return f"{unsigned}&signature={self._signature(unsigned)}"

    def check_link(self, path: str, query: str, now: datetime) -> None:
        """Check path and query as they came over the wire. Raises Forged or Expired."""
        signed, _, given = query.partition("&signature=")
        expected = self._signature(f"{path}?{signed}")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise Forged
        if now.timestamp() > int(signed.removeprefix("expires=")):
            raise Expired
