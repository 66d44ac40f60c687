"""What the owner of a server decides."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from modules.cloudconvert.local.account import Quotas
from modules.cloudconvert.local.webhooks import RETRY_AFTER

SIGNED_URLS = "/s/local"
"""Path of links that hold a job; the service has one such address per account."""

LONGEST_TIMEOUT_SECONDS = 5 * 3600
"""Most that a task may ask for. Source: CloudConvert API v2, `timeout`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one task; what goes past one ends the task with its code, never the server."""

    timeout_seconds: int = 600
    """Wall time of a task that asks for none."""
    file_bytes: int = 10 * (1 << 30)
    """Largest input, and largest upload."""
    output_bytes: int = 20 * (1 << 30)
    pixels: int = 200_000_000
    """Of one picture or page."""
    frames: int = 1000
    pages: int = 2000
    worker_bytes: int = 4 * (1 << 30)
    """Address space of a worker in Python."""
    family_bytes: int = 3 * (1 << 30)
    """Memory of an outside program together with all that it starts."""
    request_bytes: int = 64 * (1 << 20)
    """Largest JSON request; it holds the files of import/base64 and import/raw."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`token` is the API key; `base_url` is None where URLs follow each request's Host."""

    token: str = field(repr=False)
    base_url: str | None = None
    signing_secret: str | None = field(default=None, repr=False)
    """Signs what is told to a job's own `webhook_url`; None: the data folder has one."""
    webhook_retries: Sequence[timedelta] = RETRY_AFTER
    """Waits before attempt 2, 3, … of a delivery; then it is given up."""
    limits: Limits = Limits()
    quotas: Quotas = field(default_factory=Quotas)
    heavy: int = os.cpu_count() or 1
    """Conversions that run at the same time."""
    transfers: int = 8
    """Downloads that run at the same time."""
    retention: timedelta = timedelta(hours=24)
    """How long an ended job and its files stay. Source: CloudConvert API v2."""
