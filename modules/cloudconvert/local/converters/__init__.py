"""What the operation `convert` can do: one file per engine, listed in `registry`."""
