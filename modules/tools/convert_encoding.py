"""Tools, "Convert the encoding of a text". Source: Fusion help, Tools."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from engine.errors import DataError
from engine.module import Context, Fields, Module

ENCODINGS: Final = (
    "utf-8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "utf-32",
    "ascii",
    *(f"iso-8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)),
    *(f"windows-{page}" for page in range(1250, 1259)),
    *(f"cp{page}" for page in (437, 850, 852, 855, 857, 862, 866, 874, 932)),
    "koi8-r",
    "koi8-u",
    "mac-roman",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "euc-kr",
)
"""The code pages. Python knows more, but some of those are no encodings of text, and some take time
that grows with the square of the text."""

_BY_PLAIN_NAME = {name.replace("-", "").replace("_", ""): name for name in ENCODINGS}


def _known(name: str) -> str:
    plain = name.strip().lower().replace("-", "").replace("_", "")
    if plain not in _BY_PLAIN_NAME:
        raise ValueError(f"should be a code page: one of {', '.join(ENCODINGS)}")
    return _BY_PLAIN_NAME[plain]


CodePage = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(ENCODINGS)})
]


class ConvertFields(Fields):
    data: str | bytes
    """Data in the input code page. A text, which has none, is taken as it reads."""
    input_encoding: CodePage = "utf-8"
    """Code page of the data. Upper case, `-` and `_` do not matter, as in `UTF8`."""
    output_encoding: CodePage = "utf-8"
    """Code page to convert to."""


class Converted(Fields):
    data: bytes
    """The same text in the output code page."""


class ConvertEncoding(Module[ConvertFields, Converted]):
    """Convert a text from one code page to another.

    Assumed: data that is no text in its code page, and a character that the other code page lacks,
    are errors; nothing is replaced by `?`.
    """

    id = "tools.convert_encoding"

    def execute(self, fields: ConvertFields, ctx: Context) -> Iterable[Converted]:
        text = fields.data if isinstance(fields.data, str) else _decoded(fields)
        return (Converted(data=_encoded(text, fields.output_encoding)),)


def _decoded(fields: ConvertFields) -> str:
    assert isinstance(fields.data, bytes)  # noqa: S101 - the caller has asked
    try:
        return fields.data.decode(fields.input_encoding)
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        raise DataError(f"the data is no text in {fields.input_encoding}: byte {at + 1}") from error


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        character = text[error.start]
        shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
        raise DataError(
            f"{encoding} has no character {shown} (character {error.start + 1} of the text)"
        ) from error
