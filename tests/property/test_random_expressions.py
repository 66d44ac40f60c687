"""Random texts on random values end in a value or in our own error, and change nothing."""

import pytest
from random_expressions import Draw, trouble

CHUNK = 100


@pytest.mark.parametrize("start", range(0, 25 * CHUNK, CHUNK))
def test_random_texts_end_in_a_value_or_in_our_error(start: int) -> None:
    for seed in range(start, start + CHUNK):
        draw = Draw(seed)
        found = trouble(draw)
        assert not found, f"seed {seed}: {found}\n{draw.text!r}\n{draw.scope!r}"


def test_a_seed_gives_the_same_text_and_values_again() -> None:
    for seed in range(50):
        first, second = Draw(seed), Draw(seed)
        assert first.text == second.text
        assert repr(first.scope) == repr(second.scope)


def test_many_texts_compile_and_some_give_values_of_every_kind() -> None:
    texts = [Draw(seed).text for seed in range(300)]
    assert len(set(texts)) > 280
    assert sum("{{" in text for text in texts) > 200
    assert sum("{%" in text for text in texts) > 50
