"""Why a service was not reached or a folder is of no use, in people's words."""

import asyncio
import errno
import os
import socket
import ssl
from pathlib import Path

import pytest

from engine.connect.reasons import broken, unreached, unwritten


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 9)"),
            "nothing listens at this address",
        ),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 101] no"),
            "nothing listens at this address",
        ),
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), "there is no host of this name"),
        (OSError(errno.ENETUNREACH, "Network"), "cannot be reached from this machine's network"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "is it http://"),
        (OSError(errno.EPIPE, "Broken pipe"), "Broken pipe"),
        (OSError("[Errno 5] odd"), "odd"),
        (ValueError("port must be 0-65535"), "port must be 0-65535"),
    ],
)
def test_what_keeps_a_connection_from_coming_about_is_worded(error: Exception, words: str) -> None:
    told = unreached(error)

    assert words in told
    assert "Errno" not in told


def test_a_certificate_that_is_not_to_be_trusted_is_told_with_its_reason() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"

    assert unreached(error) == "its certificate is not to be trusted: certificate has expired"


async def test_the_systems_own_refusal_is_worded() -> None:
    with socket.socket() as held:  # bound, and nobody listens
        held.bind(("127.0.0.1", 0))
        with pytest.raises(OSError) as raised:  # noqa: PT011 - any of the system's
            await asyncio.open_connection(*held.getsockname())

    assert unreached(raised.value) == "nothing listens at this address"


def test_what_ends_a_connection_is_worded() -> None:
    reset = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    assert broken(reset) == "the other side broke it off"
    assert broken(BrokenPipeError(errno.EPIPE, "Broken pipe")) == "the other side broke it off"
    assert broken(OSError(errno.EIO, "I/O error")) == "I/O error"
    assert broken(ssl.SSLError(1, "odd record")) == "odd record"


def test_what_makes_a_folder_useless_is_worded(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    def why(path: Path) -> str:
        with pytest.raises(OSError) as raised:  # noqa: PT011 - any of the system's
            path.mkdir()
        return unwritten(raised.value)

    assert why(file) == f"{file} is a file, and a folder is needed there"
    assert (
        why(file / "below") == f"{file / 'below'} lies below a file, and a folder is needed there"
    )
    assert unwritten(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == "the disk is full"
    assert unwritten(PermissionError(errno.EACCES, "no", "/x")) == "/x may not be written to"
