"""What is stored of scenarios whose data is confidential: encrypted with the key of the store.

    .fusion/key       64 hexadecimal digits, mode 0600, made when the first record needs it

A sealed payload is `FS1`, a nonce of 12 bytes, and AES-256-GCM of the content; the record's id is
authenticated with it, so that no row can stand in for another. Whoever has a copy of the database
without the key has nothing. Contents of files stay as they are, below a folder of mode 0700.
Source: NIST SP 800-38D; RFC 5116.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.errors import StoreError
from engine.lasting import flush, flush_path, link
from engine.store.blob import write_all

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK: Final = b"FS1"
KEY_FILE: Final = "key"
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12

KeyOf: TypeAlias = Callable[[], bytes]
"""Gives the key of 32 bytes. Raises StoreError if there is none, or it may be read by others."""


class Seal:
    """Seals and opens payloads with a key that is fetched when the first one needs it.

    Without a `key_of` it is the one in the folder, made when something is to be sealed.
    """

    def __init__(self, folder: Path, key_of: KeyOf | None = None) -> None:
        self._folder = folder
        self._key_of = key_of
        self._key: bytes | None = None

    def closed(self, data: bytes, about: str) -> bytes:
        """Return data that only `opened` makes readable again, for the record with this id."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        if self._key is None and self._key_of is None:
            _make_key(self._folder)
        return MARK + nonce + self._cipher().encrypt(nonce, data, about.encode())

    def opened(self, payload: bytes, about: str) -> bytes:
        """Return what was sealed for a record; a payload that is not sealed, as it is.

        Raises StoreError if the key is missing, or is not the one that it was sealed with.
        """
        if not is_sealed(payload):
            return payload
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - rare

        nonce, content = payload[len(MARK) :][:_NONCE_BYTES], payload[len(MARK) + _NONCE_BYTES :]
        try:
            return self._cipher().decrypt(nonce, content, about.encode())
        except InvalidTag as error:
            raise StoreError(
                f"the confidential record {about[:8]} cannot be opened: the key of this store is "
                "not the one that it was stored with",
                notes=("put back the key, or the whole folder, from where you keep a copy",),
            ) from error

    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - rare

        if self._key is None:
            self._key = self._key_of() if self._key_of else _key_in(self._folder)
        return AESGCM(self._key)


def is_sealed(payload: bytes) -> bool:
    """Say whether a payload is encrypted."""
    return payload.startswith(MARK)


def key_from(text: str, owner: str) -> bytes:
    """Return the key that a text spells in hexadecimal. Raises StoreError; `owner` names it."""
    with contextlib.suppress(ValueError):
        if len(key := bytes.fromhex(text.strip())) == KEY_BYTES:
            return key
    raise StoreError(
        f"{owner} is not a key: it needs {2 * KEY_BYTES} hexadecimal digits",
        notes=("one can be made with: openssl rand -hex 32",),
    )


def _key_in(folder: Path) -> bytes:
    path = folder / KEY_FILE
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4 * KEY_BYTES)
    except FileNotFoundError as error:
        raise StoreError(
            f"the key {path} is gone, and without it no confidential record can be opened",
            notes=("put the file back from where you keep a copy",),
        ) from error
    if mode & 0o077:
        raise StoreError(
            f"the key {path} may be read by others (mode {mode:04o})",
            notes=(f"let only its owner read it: chmod 600 {path}",),
        )
    return key_from(text, str(path))


def _make_key(folder: Path) -> None:
    """Write a new key if there is none; of two processes at once, the first one's holds."""
    path = folder / KEY_FILE
    if path.exists():
        return
    new = path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(descriptor, secrets.token_hex(KEY_BYTES).encode(), folder)
        flush(descriptor)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileExistsError):
        link(new, path)
    new.unlink()
    flush_path(folder)
