"""Starts the programs of one server: a small process that stays, so that a start is only a fork.

Run as `python -I -S fork_server.py DESCRIPTOR` by `starting.py`. The descriptor is a socket; each
byte that comes over it brings a request's descriptors: a channel, then the program's stdin, stdout
and stderr. On the channel comes the request, one line of JSON; back go the program's process number
once it leads a group of its own, and at its end its exit status, negative for a signal.

It has one thread and no part of the server's memory, so it may fork; with the server's own process
that would be neither safe nor quick. It is told of the server's death, however that comes, by the
end of the socket, and kills every group that it has started. If it dies itself, the kernel kills
the programs (see `launch.py`), and the server, which misses their end, their groups.
"""

import json
import os
import select
import signal
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from modules.cloudconvert.local import launch
else:
    # Alone with the standard library (-I -S); last, so that no neighbour stands for a part of it.
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    import launch

STREAMS = 3


def main(descriptor: int) -> None:
    """Start what is asked for until the server has gone."""
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    control = socket.socket(fileno=descriptor)
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    running: dict[int, socket.socket] = {}
    asked = True
    while asked:
        ready, _, _ = select.select([descriptor, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(running)
        if descriptor in ready:
            asked = _take(control, running)
    for pid in running:
        _kill(pid)


def _take(control: socket.socket, running: dict[int, socket.socket]) -> bool:
    """Start one program; say whether there was a request and not the end."""
    try:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1 + STREAMS)
    except ConnectionError:
        return False
    if not descriptors:
        return False
    for descriptor in descriptors:
        # What comes over a socket would stay open in every program.
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    channel = socket.socket(fileno=descriptors[0])
    pid = os.fork()
    if pid == 0:
        _run(channel, descriptors[1:])
    for descriptor in descriptors[1:]:
        os.close(descriptor)
    running[pid] = channel
    return True


def _run(channel: socket.socket, streams: list[int]) -> "NoReturn":
    """Become the program; whatever goes wrong ends this process, which is not the fork server."""
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        channel.sendall(b"%d\n" % os.getpid())
        with channel.makefile("rb") as lines:
            request = json.loads(lines.readline())
        os.chdir(request["folder"])
        program = request["program"]
        if launch.applied(request["plan"]):
            os.execve(program[0], program, request["environment"])  # noqa: S606 - our own request
    except Exception as error:
        # Nobody above may go on in this process.
        print(f"cannot be started: {error}", file=sys.stderr, flush=True)  # noqa: T201 - no logging
    finally:
        os._exit(launch.REFUSED)


def _reap(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as channel:
            try:
                channel.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            except ConnectionError:
                # Nobody waits for it any more.
                continue


def _kill(pid: int) -> None:
    """Kill a program that was not waited for and its group, which it may not lead yet."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    main(int(sys.argv[1]))
