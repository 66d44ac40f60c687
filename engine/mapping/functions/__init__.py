"""The functions of the mapping language, a file per family."""
