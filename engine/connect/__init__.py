"""Credentials, HTTP, and the mapping of statuses to errors; the only place for httpx."""
