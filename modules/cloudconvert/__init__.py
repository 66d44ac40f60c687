"""CloudConvert."""
