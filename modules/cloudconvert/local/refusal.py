"""The two ways in which the server says no: to a request, and of a task."""

from collections.abc import Mapping, Sequence


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A request that is not served; becomes CloudConvert's error envelope.

    `errors` maps a field's dotted path to its messages, for 422 only.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        errors: Mapping[str, Sequence[str]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})


class TaskFailure(Exception):  # noqa: N818 - the end of a task, not a fault of ours
    """A task cannot deliver; becomes the task's `code` and `message`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(errors: Mapping[str, Sequence[str]]) -> Refusal:
    """Refuse a request for its fields. Source: CloudConvert API v2, validation errors."""
    return Refusal(422, "INVALID_DATA", "The given data was invalid.", errors)


def not_found(message: str) -> Refusal:
    """Refuse a request for something that is not there, or not any more."""
    return Refusal(404, "NOT_FOUND", message)


def engine_missing(what: str, install: str, path: str) -> Refusal:
    """Refuse a conversion that could run if something were installed."""
    message = f"{what} is not installed here. Install it: {install}"
    return Refusal(422, "ENGINE_MISSING", message, {path: [message]})
