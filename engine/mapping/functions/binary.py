"""Functions of buffers: encodings and digests. Source: Fusion help, "String functions"."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from engine.mapping.coercion import to_bytes, to_text
from engine.mapping.functions.function import Function
from engine.mapping.limits import check_text
from engine.mapping.refusal import Refused


def _to_base64(value: Any) -> str:
    data = to_bytes(value)
    check_text(len(data) * 4 // 3 + 4)
    return base64.b64encode(data).decode()


def to_binary(value: Any, encoding: Any = None) -> bytes:
    """Return a buffer: of a text as it is, or of one written in hex or base64."""
    if encoding is None or isinstance(value, bytes):
        data = to_bytes(value)
        check_text(len(data))
        return data
    text = to_text(value)
    check_text(len(text))
    return decoded(text, encoding)


def decoded(text: str, encoding: Any) -> bytes:
    """Return the bytes that a text spells in hex or base64. Raises Refused."""
    try:
        if encoding == "hex":
            return bytes.fromhex(text)
        if encoding == "base64":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Refused(f"text in {encoding}", text) from None
    raise Refused("`hex` or `base64` as encoding", encoding)


def key_bytes(key: Any, encoding: Any) -> bytes:
    """Return a digest's key: text, hex, base64, or a buffer as it is."""
    if encoding == "binary" and not isinstance(key, bytes):
        raise Refused("a buffer as key", key)
    if encoding in ("text", "binary") or isinstance(key, bytes):
        return to_bytes(key)
    return decoded(to_text(key), encoding)


def digest(name: str) -> Callable[..., str]:
    """Return the function that digests a value; with a key it makes an HMAC."""

    def digested(
        value: Any, encoding: Any = "hex", key: Any = None, key_encoding: Any = "text"
    ) -> str:
        data = to_bytes("" if value is None else value)
        if key is None or key == "":
            result = hashlib.new(name, data, usedforsecurity=False).digest()
        else:
            result = hmac.digest(key_bytes(key, key_encoding), data, name)
        if encoding in ("hex", "", None):
            return result.hex()
        if encoding == "base64":
            return base64.b64encode(result).decode()
        if encoding == "latin1":
            return result.decode("latin-1")
        raise Refused("`hex`, `base64` or `latin1` as encoding", encoding)

    return digested


def _as_text(value: Any) -> str:
    text = to_text(value)
    check_text(len(text))
    return text


BINARY = (
    Function("toString", "value", "The value as text; a buffer is read as UTF-8.", "toString(42)",
             _as_text),
    Function("toBinary", "value, [encoding]", "The value as a buffer; text may be hex or base64.",
             'toBinary("V29ya2Zyb250", "base64")', to_binary),
    Function("base64", "value", "The value in Base64.", 'base64("workfront")', _to_base64),
    Function("md5", "value", "The MD5 digest in hex.", 'md5("workfront")', digest("md5")),
    Function("sha1", "value, [encoding], [key]", "The SHA-1 digest, or an HMAC with a key.",
             'sha1("workfront")', digest("sha1")),
    Function("sha256", "value, [encoding], [key]", "The SHA-256 digest, or an HMAC with a key.",
             'sha256("workfront")', digest("sha256")),
    Function("sha512", "value, [encoding], [key], [keyEncoding]",
             "The SHA-512 digest, or an HMAC with a key.", 'sha512("workfront")',
             digest("sha512")),
)  # fmt: skip
