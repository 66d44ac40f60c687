"""Pictures of a checked scenario: where its bubbles lie, and how that is written as SVG, Mermaid or
DOT."""
