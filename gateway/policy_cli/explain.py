"""`gateway policy explain`: why a request goes where it goes under a policy, and what would send it elsewhere."""

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.asking import body_of, classifier, masked_ways, request
from gateway.classify.explain import explain
from gateway.classify.weights import shipped_weights
from gateway.config import load_policy
from gateway.core.errors import ConfigError, GatewayError
from gateway.core.records import Record
from gateway.core.types import BackendState, Caller, Endpoint
from gateway.policy.backtest import envelope_of
from gateway.policy.belief import relabelled
from gateway.policy.explain import Asked, explained
from gateway.policy.model import Policy
from gateway.policy.problems import suggestion
from gateway.policy.space import Witness
from gateway.stores.journal_scan import JournalScan

_DOWN = BackendState(is_up=False, reason="you said so")
_SATURATED = BackendState(is_up=True, reason="you said so", is_saturated=True)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a policy file")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--request", type=Path, metavar="FILE", help="a body as a client sends it (JSON)")
    asked.add_argument("--prompt", metavar="TEXT", help="one message; `-` reads it from standard input")
    asked.add_argument("--decision", metavar="ID", help="one that was recorded (`dec_…`); needs --journal")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="of the gateway that recorded the decision")
    parser.add_argument(
        "--endpoint", choices=[each.value for each in Endpoint], default="chat", help="what is called (default chat)"
    )
    parser.add_argument("--model", default="auto", metavar="NAME", help="what a --prompt says as model (default auto)")
    parser.add_argument("--caller", metavar="NAME", help="who asks (default: the first that the policy lists)")
    parser.add_argument(
        "--at", metavar="TIME", help="when it is asked, such as `2026-03-02T03:00+01:00` (default: now)"
    )
    parser.add_argument(
        "--down", action="append", default=[], metavar="BACKEND", help="supposed to be down; repeatable"
    )
    parser.add_argument(
        "--saturated", action="append", default=[], metavar="BACKEND", help="supposed to be saturated; repeatable"
    )


def run(given: argparse.Namespace) -> int:
    policy = load_policy(given.file, os.environ)
    print(f"policy `{policy.name}` ({policy.digest[:12]})")
    print("\n".join(explained(policy, _asked(policy, given))))
    return 0


def _asked(policy: Policy, given: argparse.Namespace) -> Asked:
    supposed = {_known("--saturated", name, policy.backends): _SATURATED for name in given.saturated}
    supposed |= {_known("--down", name, policy.backends): _DOWN for name in given.down}
    if given.decision is not None:
        record = _recorded(given.decision, given.journal)
        everyone = {caller.id: caller for caller in policy.everyone}
        envelope = envelope_of(record, policy, everyone)
        is_its_own = record.decision.policy_digest == policy.digest
        verdict = record.verdict if is_its_own else relabelled(record.verdict, policy.labelling, envelope.caller)
        return Asked(Witness(envelope, verdict), {**record.states, **supposed}, record.maskings)
    endpoint, body = Endpoint(given.endpoint), _body(given)
    try:
        envelope = request(policy, endpoint, _caller(policy, given.caller), body, _instant(given.at))
    except GatewayError as error:
        raise ConfigError(f"no client would get an answer to this request: {error.message}") from None
    if not policy.knows_model(envelope.model):
        raise ConfigError(f"the policy knows no model `{envelope.model}`{suggestion(envelope.model, policy.choices)}")
    weights = shipped_weights()
    classify = classifier(policy, weights)
    verdict = classify.classify(envelope)
    masked = masked_ways(policy, envelope, verdict, classify)
    return Asked(Witness(envelope, verdict), supposed, masked, explain(envelope.document, weights))


def _body(given: argparse.Namespace) -> bytes:
    if given.request is None:
        prompt = sys.stdin.read() if given.prompt == "-" else given.prompt
        return body_of(Endpoint(given.endpoint), prompt, given.model, False)
    try:
        content: bytes = given.request.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise ConfigError(
            f"cannot read the request `{given.request}`: {reason}; give the path of a JSON file"
        ) from None
    return content


def _instant(said: str | None) -> float:
    try:
        moment = datetime.now(UTC) if said is None else datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigError(
            f"`--at` must be a date and time with its offset such as `2026-03-02T03:00+01:00`, not `{said}`"
        )
    return moment.timestamp()


def _caller(policy: Policy, name: str | None) -> Caller:
    callers = {caller.id: caller for caller in policy.everyone}
    return policy.everyone[0] if name is None else callers[_known("--caller", name, callers)]


def _known(flag: str, name: str, names: Mapping[str, object]) -> str:
    if name not in names:
        raise ConfigError(f"`{flag}` cannot be `{name}`{suggestion(name, list(names))}")
    return name


def _recorded(id: str, journal: Path | None) -> Record:
    if journal is None:
        raise ConfigError("`--decision` needs `--journal`, the file of the gateway that recorded it")
    found = JournalScan(journal, 0.0).find(id)
    if found is None:
        raise ConfigError(f"the journal `{journal}` has no decision `{id}`; ids begin with `dec_` or `req_`")
    return found
