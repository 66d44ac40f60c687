"""Start a program under limits, without network, and bound to the life of the process that asked.

Run as `python -I -S launch.py PLAN -- PROGRAM ARGUMENT…`, or used by `fork_server.py`, which has
this loaded already. PLAN is made by `written`: limits by their names in `resource`; `network`:
`open`, `own` or `own_user`; `loopback`: set, a network of its own has one; `parent`: the process
that asked; `pipes`: descriptors that become the program's from 3 on. It imports next to nothing:
even the modules `json`, `typing` and `signal` would double its time.

On Linux the kernel kills the program when the thread that asked ends (PR_SET_PDEATHSIG).
"""

import ctypes
import fcntl
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIGKILL = 9
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
REFUSED = 120
"""Exit status if the network cannot be taken away as planned."""


def written(plan: "Mapping[str, object]") -> str:
    """Return a plan as one word; values without commas, lists are of numbers, None is left out."""
    items = [
        (name, ":".join(map(str, value)) if isinstance(value, list) else value)
        for name, value in plan.items()
        if value is not None
    ]
    return ",".join(f"{name}={value}" for name, value in items)


def main(arguments: list[str]) -> int:
    """Apply the plan and become the program; return an exit status only if that failed."""
    program = arguments[2:]
    if applied(arguments[0]):
        os.execv(program[0], program)  # noqa: S606 - becoming the program is the point
    return REFUSED


def applied(words: str) -> bool:
    """Apply a plan to this process; say whether it may go on."""
    plan = {}
    for item in words.split(","):
        name, _, value = item.partition("=")
        plan[name] = value
    for name, value in plan.items():
        if name.startswith("RLIMIT_"):
            _limit(getattr(resource, name, None), int(value))
    _hand_over([int(pipe) for pipe in plan.get("pipes", "").split(":") if pipe])
    if sys.platform != "linux":
        return True
    if not _confine(plan["network"]):
        return False
    if "loopback" in plan and plan["network"] != "open":
        _raise_loopback()
    return _bind(int(plan["parent"]))


def _hand_over(pipes: "Sequence[int]") -> None:
    """Give the program its pipes, by way of numbers that none of them has."""
    away = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 64) for pipe in pipes]
    for wanted, pipe in enumerate(away, 3):
        os.dup2(pipe, wanted)
        os.close(pipe)


def _limit(kind: int | None, value: int) -> None:
    if kind is None:
        return
    hard = resource.getrlimit(kind)[1]
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (wanted, wanted))
    except (OSError, ValueError) as error:
        # macOS refuses some limits; the deadline of the task still holds.
        print(f"limit {kind} not set: {error}", file=sys.stderr)  # noqa: T201 - no logging here


def _confine(network: str) -> bool:
    """Take network and the way to more rights away; say whether that worked."""
    libc = ctypes.CDLL(None, use_errno=True)
    if network != "open":
        user, group = os.getuid(), os.getgid()
        flags = CLONE_NEWNET | (CLONE_NEWUSER if network == "own_user" else 0)
        if libc.unshare(flags) != 0:
            return False
        if network == "own_user":
            _keep_identity(user, group)
    return bool(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


def _raise_loopback() -> None:
    """Let programs inside the new network speak to each other; a new one has it down."""
    import socket  # noqa: PLC0415 - browsers only
    import struct  # noqa: PLC0415 - browsers only

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def _bind(parent: int) -> bool:
    """Die with the thread that asked; say whether it still lives."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def _keep_identity(user: int, group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
