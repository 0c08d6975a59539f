"""Whether the policy can be read and proved, has its secrets, and what a review remarks; the weights beside it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.config import load_policy
from gateway.control.origin import read_weights
from gateway.core.errors import ConfigError
from gateway.doctor.result import Result, ok, trouble, warning
from gateway.policy.model import Policy
from gateway.policy.review import review


def read(path: Path, environment: Mapping[str, str]) -> tuple[Policy | None, list[Result]]:
    """The policy, where its file can be read, and what is to be said of it. Blocking."""
    try:
        policy = load_policy(path, environment)
    except ConfigError as error:
        return None, [trouble("policy", str(error), "mend the file; `gateway policy check` says the same")]
    try:
        return policy, [*_secrets(policy), *_reviewed(policy, path)]
    except ConfigError as error:
        return policy, [trouble("policy", str(error), "tell fewer kinds of requests apart in its rules")]


def weights(path: Path | None) -> Result:
    """Blocking."""
    about = "weights"
    try:
        found = read_weights(path)
    except ConfigError as error:
        return trouble(about, str(error), "give a file that `gateway train fit` wrote, or leave `--weights` out")
    return ok(about, f"the {'shipped ones' if path is None else 'given ones'} can be read ({found.digest[:12]})")


def _secrets(policy: Policy) -> Iterator[Result]:
    for sentence in policy.missing_secrets:
        yield trouble("policy", sentence, "set the variable where the gateway is started")


def _reviewed(policy: Policy, path: Path) -> Iterator[Result]:
    found = review(policy)
    about = f"policy `{policy.name}`"
    for remark in found.remarks:
        place = f"{path}:{remark.place.line}: {remark.sentence}"
        yield (trouble if remark.is_error else warning)(
            about, place, f"see `gateway policy check {path}` for a request that shows it"
        )
    if found.proved:
        yield ok(about, f"read, and {_counted(len(found.proved), 'invariant')} proved")
    elif not any(remark.is_error for remark in found.remarks):
        yield warning(
            about,
            "it can be read, but promises nothing: there is no invariant to prove",
            "write down what must hold whatever the rules say, under `invariants`",
        )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
