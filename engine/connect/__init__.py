"""Credentials, HTTP, and the mapping of statuses to errors; the only place for httpx."""

import sys

# httpx brings a command of its own wherever rich and click are installed, which takes two fifths of
# its import; told that there is none, it does without.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # import(3): None is absence
