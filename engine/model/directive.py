"""The five directives that may end an error route, as data. Their meaning: `engine.run.rules`."""

from enum import StrEnum


class Directive(StrEnum):
    ROLLBACK = "rollback"
    COMMIT = "commit"
    RESUME = "resume"
    IGNORE = "ignore"
    BREAK = "break"
