"""A run as one page that opens offline: picture, times, what nodes saw, errors, what is left."""
