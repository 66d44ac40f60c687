"""The connectors that come with the engine."""
