"""What others took for the same workloads, in wall seconds on a machine of 2 cores.

They were measured in a run of their own; a bare start of Python in that run and in ours tells how
much slower this machine is now. Node-RED 5.0.7; n8n 2.41 with its legacy expressions, and with its
default ones.
"""

from collections.abc import Mapping
from typing import Final

NODE_RED: Final = "Node-RED"
N8N_LEGACY: Final = "n8n, legacy expressions"
N8N: Final = "n8n"

W1: Final = {NODE_RED: 0.62, N8N_LEGACY: 2.35, N8N: 2.71}
"""Process start to exit, one bundle."""

W2: Final = {NODE_RED: 1.10, N8N_LEGACY: 6.57, N8N: 28.9}
"""Process start to exit, 10,000 bundles."""

W6: Final = {N8N_LEGACY: 0.76, N8N: 2.93}
"""1,000 bundles of three steps whose results are stored, without process start."""


BARE: Final = 0.0094
"""Seconds in which that machine started bare Python, when nothing else ran."""


def beside(
    ours: float, bare: float, recorded: Mapping[str, float], targets: Mapping[str, str]
) -> str:
    """Return a line per rival: what it took, and how often our seconds go into that.

    `bare` is what a bare start of Python took beside ours, by which the machines are compared.
    """
    here = bare / BARE
    return "".join(
        f"{name:24} {theirs:6.2f} s recorded, about {theirs * here:6.2f} s here:"
        f" {theirs * here / ours:5.1f} x ours"
        f"{f'   ({targets[name]})' if name in targets else ''}\n"
        for name, theirs in recorded.items()
    )
