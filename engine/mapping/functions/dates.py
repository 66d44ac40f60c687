"""Date functions."""

DATES = ()
