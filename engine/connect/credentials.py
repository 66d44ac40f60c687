"""From a reference to a secret to the secret, at the last moment; nothing keeps or shows it."""

import os
import stat
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from engine.errors import SetupError
from engine.module import ConnectionFields, Credential


def secrets_of(
    fields: ConnectionFields, name: str, folder: Path, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the value of each credential of the connection `name`, by field name.

    `folder` is the one that relative paths start from. Raises SetupError (E302).
    """
    return {
        field: secret_of(reference, f"{name}.{field}", folder, environment)
        for field, reference in fields
        if isinstance(reference, Credential)
    }


def secret_of(
    credential: Credential, owner: str, folder: Path, environment: Mapping[str, str] = os.environ
) -> str:
    """Return what a credential refers to; `owner` names it to people, as `connection.field`.

    Raises SetupError (E302) that says what is missing and how to set it.
    """
    if credential.env is not None:
        return _from_environment(credential.env, owner, environment)
    if credential.file is not None:
        return _from_file(folder / Path(credential.file).expanduser(), owner)
    return _from_keyring(credential.keyring or "", owner)


def _from_environment(name: str, owner: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    if not value:
        state = "is empty" if name in environment else "is not set"
        raise SetupError(
            f"credential `{owner}`: environment variable `{name}` {state}",
            notes=(f"set it in the shell: export {name}=…",),
        )
    return _sendable(value, owner)


def _from_file(path: Path, owner: str) -> str:
    try:
        with path.open(encoding="utf-8") as source:
            mode = stat.S_IMODE(os.fstat(source.fileno()).st_mode)
            if mode & 0o077:
                raise SetupError(
                    f"credential `{owner}`: file {path} may be read by others (mode {mode:04o})",
                    notes=(f"let only its owner read it: chmod 600 {path}",),
                )
            value = source.read(64 * 1024)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SetupError(
            f"credential `{owner}`: file {path} cannot be read: {reason}",
            notes=("put the secret alone into it, then: chmod 600 " + str(path),),
        ) from error
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise SetupError(f"credential `{owner}`: file {path} is empty")
    return _sendable(value, owner)


def _from_keyring(entry: str, owner: str) -> str:
    service, slash, user = entry.partition("/")
    if not (service and slash and user):
        raise SetupError(
            f"credential `{owner}`: `{entry}` does not name an entry of the keyring",
            notes=("write it as service/name",),
        )
    try:
        keyring = import_module("keyring")
    except ImportError as error:
        raise SetupError(
            f"credential `{owner}`: package `keyring` is not installed",
            notes=("install it with: pip install keyring", "or use {env: NAME} or {file: PATH}"),
        ) from error
    try:
        value: str | None = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise SetupError(f"credential `{owner}`: the keyring cannot be read: {error}") from error
    if not value:
        raise SetupError(
            f"credential `{owner}`: the keyring has no entry `{entry}`",
            notes=(f"add it with: keyring set {service} {user}",),
        )
    return _sendable(value, owner)


def _sendable(value: str, owner: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    raise SetupError(
        f"credential `{owner}` has characters that cannot be sent: more than one line?"
    )
