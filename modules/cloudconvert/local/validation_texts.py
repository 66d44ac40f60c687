"""The words in which a wrong field is named: "The {path} field is required.".

They follow the service's framework. Source: CloudConvert API v2, recorded validation errors; those
beyond "required" are Assumed.
"""

from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from modules.cloudconvert.local.refusal import Refusal, invalid

_TEXTS: tuple[tuple[str, str], ...] = (
    ("missing", "The {path} field is required."),
    ("string_pattern_mismatch", "The {path} format is invalid."),
    ("string_too_long", "The {path} may not be greater than {max_length} characters."),
    ("string", "The {path} must be a string."),
    ("int", "The {path} must be an integer."),
    ("float", "The {path} must be a number."),
    ("finite", "The {path} must be a number."),
    ("bool", "The {path} field must be true or false."),
    ("literal", "The selected {path} is invalid. Possible values: {expected}."),
    ("enum", "The selected {path} is invalid. Possible values: {expected}."),
    ("greater_than_equal", "The {path} must be at least {ge}."),
    ("less_than_equal", "The {path} may not be greater than {le}."),
    ("greater_than", "The {path} must be greater than {gt}."),
    ("list", "The {path} must be an array."),
    ("dict", "The {path} must be an array."),
)

_ABOUT: Final = "about_field"


@dataclass(slots=True)
class Errors:
    """Collects messages by path, so that one answer names them all."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, text: str) -> None:
        self.found.setdefault(path, []).append(text.replace("{path}", path))

    def add_refusal(self, prefix: str, refusal: Refusal) -> None:
        for name, texts in (refusal.errors or {}).items():
            for text in texts:
                self.add(prefix + name, text)

    def raise_if_any(self) -> None:
        if self.found:
            raise invalid(self.found)


def field_messages(error: ValidationError) -> dict[str, list[str]]:
    """Return the messages of a model's error by plain field name, `{path}` still in them."""
    found: dict[str, list[str]] = {}
    for one in error.errors(include_url=False):
        path = ".".join(str(part) for part in one["loc"]) or one.get("ctx", {}).get("field", "")
        found.setdefault(path, []).append(message_of(one))
    return found


def about(field: str, text: str) -> PydanticCustomError:
    """Return what a validator of a whole model raises, so that it is told of one of its fields."""
    return PydanticCustomError(_ABOUT, "{text}", {"field": field, "text": text})


def placed(refusal: Refusal, prefix: str) -> Refusal:
    """Return a refusal of plain field names as one of full paths."""
    errors = Errors()
    errors.add_refusal(prefix, refusal)
    return Refusal(refusal.status, refusal.code, refusal.message, errors.found or None)


def message_of(error: ErrorDetails) -> str:
    """Return the service's words for one error; `{path}` stands for where it is."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == _ABOUT:
        return str(context["text"])
    if kind == "value_error":
        return str(context["error"])
    if error["input"] is None:
        kind = "missing"
    text = next((text for start, text in _TEXTS if kind.startswith(start)), None)
    if text is None:
        return "The {path} is invalid."
    for name, value in context.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
