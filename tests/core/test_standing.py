"""A backend's state in one word."""

from gateway.core.types import UP, BackendState, Standing


def test_a_backend_that_is_down_is_not_also_saturated() -> None:
    assert UP.standing is Standing.UP
    assert BackendState(is_up=True, is_saturated=True).standing is Standing.SATURATED
    assert BackendState(is_up=False, is_saturated=True).standing is Standing.DOWN
