"""Why something did not work, in words for people who do not know the system's numbers."""

import errno
import re
import socket
import ssl
from collections.abc import Mapping

_NUMBER = re.compile(r"\[Errno (-?\d+)\]")
_UNREACHED: Mapping[int, str] = {
    errno.ECONNREFUSED: "nothing listens at this address",
    errno.ETIMEDOUT: "it does not answer",
    errno.EHOSTUNREACH: "it cannot be reached from this machine's network",
    errno.ENETUNREACH: "it cannot be reached from this machine's network",
    errno.ECONNRESET: "it breaks the connection off at once",
    errno.EMFILE: "this process has too many files and connections open",
    socket.EAI_NONAME: "there is no host of this name",
    socket.EAI_AGAIN: "its name cannot be looked up; is this machine online?",
}
"""By the system's number; those of names are negative."""

_BROKEN: Mapping[int, str] = {
    errno.ECONNRESET: "the other side broke it off",
    errno.EPIPE: "the other side broke it off",
    errno.ETIMEDOUT: "the other side fell silent",
}

_UNWRITTEN: Mapping[int, str] = {
    errno.EEXIST: "{} is a file, and a folder is needed there",
    errno.ENOTDIR: "{} lies below a file, and a folder is needed there",
    errno.EACCES: "{} may not be written to",
    errno.EPERM: "{} may not be written to",
    errno.EROFS: "{} may not be written to",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
}


def unreached(error: Exception) -> str:
    """Return why no connection to a service came about.

    Of a host with several addresses, the reason of the first.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "it does not answer as HTTPS asks for; is it http:// or another port?"
    number = getattr(error, "errno", None)
    if number is None and (found := _NUMBER.search(str(error))):
        number = int(found[1])
    return _UNREACHED.get(number or 0) or _plain(error)


def broken(error: Exception) -> str:
    """Return why a connection that there was is there no more."""
    return _BROKEN.get(getattr(error, "errno", None) or 0) or _plain(error)


def unwritten(error: OSError) -> str:
    """Return why a folder or a file cannot be used."""
    words = _UNWRITTEN.get(error.errno or 0)
    return _plain(error) if words is None else words.format(error.filename or "its folder")


def _plain(error: Exception) -> str:
    """Return the system's own words, without its number."""
    said = getattr(error, "strerror", None) or str(error)
    return _NUMBER.sub("", str(said)).strip()
