"""The command line: one file per command; parses, calls `engine.app`, shows."""
