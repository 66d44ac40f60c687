"""The operations that a task can have: one file each, listed in `registry`."""
