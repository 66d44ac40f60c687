"""Engines in Python. They run only in worker processes: these files import the big libraries."""
