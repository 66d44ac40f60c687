"""Frozen data that every layer shares: bundles and files, scenarios, executions, directives."""
