import pytest

from gateway.config import Window
from gateway.rules.window import bounds


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(), (4000, 20000)),
        (Window(interval_ms=15000), (15000, 20000)),
        (Window(interval_ms=15000, mode="fixed"), (15000, 15000)),
        (Window(interval_ms=0, max_wait_ms=0), (0, 0)),
        (Window(interval_ms=3000, mode="fixed", max_wait_ms=9000), (3000, 3000)),
    ],
)
def test_two_numbers_say_both_modes(window: Window, expected: tuple[int, int]) -> None:
    assert bounds(window) == expected
