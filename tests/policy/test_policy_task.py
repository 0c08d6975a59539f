"""Rules may ask what a request is about; proofs, words, cases and the file's own tests know of it."""

import msgspec
import pytest

from gateway.core.errors import ConfigError
from gateway.core.labels import Task
from gateway.core.types import Sensitivity
from gateway.policy.evaluate import decide
from gateway.policy.model import Signal
from gateway.policy.prose import prose
from gateway.policy.space import Space
from gateway.policy.verify import verify

CODE = (
    "otherwise:\n",
    "  - name: code-goes-out\n    when: {task: [code, maths]}\n    route: [frontier, local]\notherwise:\n",
)


def test_a_rule_about_code_meets_code_alone(policy_with, envelope, verdict) -> None:
    policy = policy_with(CODE)
    rules = {
        task: decide(policy, envelope(), msgspec.structs.replace(verdict(Sensitivity.PUBLIC), task=task), {}).rule
        for task in Task
    }
    assert {task for task, rule in rules.items() if rule == "code-goes-out"} == {Task.CODE, Task.MATHS}


def test_a_task_that_is_none_is_told_with_the_nearest_that_is(policy_with) -> None:
    with pytest.raises(ConfigError, match="did you mean `code`"):
        policy_with((CODE[0], CODE[1].replace("[code, maths]", "cod")))


def test_proofs_look_at_every_task_where_a_condition_asks_for_it_and_at_one_where_none_does(policy_with) -> None:
    asked, unasked = Space([policy_with(CODE)]), Space([policy_with()])
    assert Signal.TASK in asked.signals
    assert asked.states(asked.whole) == len(Task) * unasked.states(unasked.whole)


def test_a_leak_for_one_task_alone_is_found_and_shown(policy_with) -> None:
    promise = "never: {task: maths, model: auto, reaches: {zone: openai}}"
    policy = policy_with(CODE, ("unknown_routes: frontier\n", ""), ("deadline: 2m\n", f"invariants:\n  - {promise}\n"))
    ((proof, leak),) = verify(policy).leaks
    assert "about `maths`" in proof.sentence
    assert leak.witness.verdict.task is Task.MATHS


def test_it_is_said_in_plain_words(policy_with) -> None:
    assert "A request that is about `code` or `maths` goes to `frontier`, then `local`" in prose(policy_with(CODE))
