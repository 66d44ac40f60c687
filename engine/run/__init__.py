"""Executing a plan: rules as tables, decisions without I/O, one driver that awaits."""
