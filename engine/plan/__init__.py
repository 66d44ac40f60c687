"""From a YAML file to a checked `Plan`; the only place for yaml and networkx."""
