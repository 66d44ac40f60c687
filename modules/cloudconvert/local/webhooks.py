"""The rules of webhooks: what may be asked for, how a delivery is signed, what its answer means.

Pure: no clock, no I/O. Source: CloudConvert API v2, webhooks.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import orjson

from modules.cloudconvert.local.records import Status
from modules.cloudconvert.local.refusal import invalid
from modules.cloudconvert.local.validation_texts import Errors

JOB_EVENTS = ("job.created", "job.finished", "job.failed")
TASK_EVENTS = ("task.created", "task.finished", "task.failed")
"""Beyond the real service; sent only to webhooks that ask for them."""

SIGNATURE_HEADER = "CloudConvert-Signature"

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300))
"""Waits before attempt 2, 3 and 4. Source for their number: the API; their lengths are Assumed."""

_REPEATED = frozenset({408, 425, 429})
"""Statuses below 500 that ask for another attempt. Assumed."""


class Verdict(Enum):
    """What becomes of a delivery after an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVE_UP = "give up"
    GONE = "gone"
    """The receiver wants no more: its webhook is disabled."""


def verdict_of(status: int | None) -> Verdict:
    """Judge the status of an answer; None: there was none. Redirects count as refusals."""
    if status is None or status >= 500 or status in _REPEATED:
        return Verdict.RETRY
    if status == 410:
        return Verdict.GONE
    return Verdict.DELIVERED if 200 <= status < 300 else Verdict.GIVE_UP


def ending_event(subject: str, status: Status) -> str:
    """Return the event of the end of a `job` or `task`."""
    return f"{subject}.{'finished' if status is Status.FINISHED else 'failed'}"


def encoded(payload: Mapping[str, Any]) -> bytes:
    """Return a delivery's body. Slashes are escaped as the service does it, so that only those who
    check the signature over the raw bytes get along."""
    return orjson.dumps(payload).replace(b"/", b"\\/")


def signature(body: bytes, secret: str) -> str:
    """Return what the signature header holds."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def check_webhook(body: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Check the body of `POST /v2/webhooks`; return URL and events. Raises Refusal 422."""
    errors = Errors()
    url = check_url(body, "url", errors)
    if url is None and "url" not in errors.found:
        errors.add("url", "The {path} field is required.")
    events = body.get("events")
    if not events:
        errors.add("events", "The {path} field is required.")
    elif not isinstance(events, list):
        errors.add("events", "The {path} must be an array.")
    else:
        for position, event in enumerate(events):
            if event not in (*JOB_EVENTS, *TASK_EVENTS):
                errors.add(f"events.{position}", "The selected {path} is invalid.")
    errors.raise_if_any()
    if url is None or not isinstance(events, list):
        raise invalid(errors.found)
    return url, list(dict.fromkeys(events))


def check_url(body: Mapping[str, Any], name: str, errors: Errors) -> str | None:
    """Return a field that holds the URL of a hook; None if it is not set or wrong.

    Where it leads is looked at when something is delivered: names can change their address.
    """
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        errors.add(name, "The {path} must be a string.")
        return None
    if len(value) > 2048:
        errors.add(name, "The {path} may not be greater than 2048 characters.")
        return None
    if not _is_web_address(value):
        errors.add(name, "The {path} must be a valid http or https URL.")
        return None
    return value


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
