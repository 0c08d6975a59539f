"""What `make bench-budget` prints is what the provider billed, and a row that is wrong is called so."""

import pytest

from loadtests.budgets import AT_ONCE, VARIANTS, Row, run, table


@pytest.mark.slow
@pytest.mark.parametrize(
    "variant", [each for each in VARIANTS if each.ledger != "redis"][::3], ids=lambda each: each.name
)
async def test_a_burst_is_billed_for_no_more_than_was_paid_for(variant) -> None:
    assert (await run(variant)).is_right


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (Row("plain", 19, 19, AT_ONCE - 19), "right"),
        (Row("plain", 21, 21, AT_ONCE - 21), "WRONG"),
        (Row("plain", 17, 17, AT_ONCE - 17), "WRONG"),
        (Row("plain", 20, 19, AT_ONCE - 19), "WRONG"),
    ],
)
def test_a_row_says_whether_it_is_right(row, word) -> None:
    assert table([row]).endswith(f" {word} |")
