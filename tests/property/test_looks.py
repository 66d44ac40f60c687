"""Looks at what may be forgotten, by a clock that jumps both ways: nothing is aged by a jump."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.model.retention import CONFIRMING, look

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)

times = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(-400, 400), st.lists(st.integers(0, 5), max_size=4))
)
"""Hours until a look by the right clock, days by which it is wrong after that, and the hours
between the looks while it is: less than a day."""


@given(times)
def test_ages_count_to_no_moment_that_has_not_been(times: list[tuple[int, int, list[int]]]) -> None:
    true, remembered = AT, set[datetime]()
    for hours, days, wrong in times:
        true += timedelta(hours=hours)
        looks = look(remembered, true)
        for more in wrong:
            true += timedelta(hours=more)
            now = true + timedelta(days=days)
            looks = look(looks.remembered, now)
            assert looks.confirmed is None or looks.confirmed <= min(true, now - CONFIRMING)
            assert max(looks.remembered) <= now
            assert len(looks.remembered) <= 2
        remembered = looks.remembered


@given(st.lists(st.integers(1, 12), min_size=60))
def test_where_the_clock_is_right_ages_count_to_a_moment_of_the_last_days(gaps: list[int]) -> None:
    now, looks = AT, look((), AT)
    for hours in gaps:
        now += timedelta(hours=hours)
        looks = look(looks.remembered, now)
    assert looks.confirmed is not None
    assert CONFIRMING <= now - looks.confirmed < 2 * CONFIRMING + timedelta(hours=12)
