"""The mapping language: Jinja's syntax, our own meaning; the only place for jinja2."""
