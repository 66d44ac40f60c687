"""One file per command, each with a click command of the name `command`."""
