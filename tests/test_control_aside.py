"""Long work beside the requests: it gives way while it runs, and the interpreter is as before when it is done."""

import asyncio
import sys

from gateway.control.aside import GIVE_WAY_S, Aside


async def test_the_interval_is_short_while_anything_runs_and_as_before_afterwards() -> None:
    before, aside = sys.getswitchinterval(), Aside()
    seen = await asyncio.gather(*(aside.do(sys.getswitchinterval) for _ in range(3)))
    assert {round(each, 6) for each in seen} == {GIVE_WAY_S}
    assert sys.getswitchinterval() == before


async def test_what_the_work_raises_is_raised_and_the_interval_is_as_before() -> None:
    before, aside = sys.getswitchinterval(), Aside()
    results = await asyncio.gather(aside.do(int, "no number"), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert sys.getswitchinterval() == before
