"""All attacks on the mapping language by class, a hundred or more of each.

A class is a row of the table in the hardening rules, or a kind of hostile data. `attack_trial`
runs them.
"""

from collections.abc import Callable, Iterator, Mapping

from attack import Attack
from attacks_growing import (
    big_integers,
    growing_filters,
    growing_operators,
    nested_loops,
    widths,
)
from attacks_reaching import attribute_walks, default_globals, formats, mutations, statements
from attacks_texts import deep_texts, hostile_values, patterns, retyped_data

CLASSES: Mapping[str, Callable[[], Iterator[Attack]]] = {
    "attribute walks": attribute_walks,
    "default globals": default_globals,
    "formats": formats,
    "statements": statements,
    "mutations": mutations,
    "growing operators": growing_operators,
    "growing filters": growing_filters,
    "widths": widths,
    "big integers": big_integers,
    "nested loops": nested_loops,
    "deep texts": deep_texts,
    "retyped data": retyped_data,
    "hostile values": hostile_values,
    "patterns": patterns,
}
