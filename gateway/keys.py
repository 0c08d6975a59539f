"""The verb `keys`: keys for callers of the policy, issued, narrowed, replaced and revoked without a restart."""

import argparse
import datetime
import json
import re
import secrets
import sys
import time
from pathlib import Path

import msgspec

from gateway.core.errors import ConfigError
from gateway.core.keys import IssuedKey
from gateway.core.types import Endpoint
from gateway.policy.model import key_digest
from gateway.stores.keys_sqlite import SqliteKeys

_AGE = re.compile(r"([0-9]{1,5})([mhdw])")
_SECONDS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_BYTES = 32  # of chance in a key, so that a plain SHA-256 of it cannot be turned back


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(metavar="WHAT", required=True, dest="what")
    create = verbs.add_parser("create", help="make a key, which is shown this once")
    create.add_argument("--caller", required=True, metavar="NAME", help="whose key: one of the policy's callers")
    create.add_argument("--model", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    create.add_argument("--zone", action="append", default=[], metavar="NAME", help="only there; may be repeated")
    words = sorted(endpoint.value for endpoint in Endpoint)
    create.add_argument("--endpoint", action="append", default=[], choices=words, help="only this; may be repeated")
    create.add_argument("--expires", metavar="AGE", help="how long it counts, such as 12h or 90d (default: for ever)")
    listed = verbs.add_parser("list", help="show the keys, never what they are")
    listed.add_argument("--json", action="store_true", help="as JSON, one a line")
    rotate = verbs.add_parser("rotate", help="make another key for the same, which is shown this once")
    rotate.add_argument("--keep", default="0m", metavar="AGE", help="how long the old one still counts (default 0m)")
    revoke = verbs.add_parser("revoke", help="let a key count no more, within two seconds on every worker")
    for verb in (rotate, revoke):
        verb.add_argument("id", help="of the key, as `gateway keys list` shows it")
    for verb in (create, listed, rotate, revoke):
        verb.add_argument("--keys", type=Path, required=True, metavar="FILE", help="that `gateway serve --keys` reads")


def run(given: argparse.Namespace) -> int:
    store, now = SqliteKeys(given.keys), time.time()
    match given.what:
        case "create":
            _create(store, given, now)
        case "list":
            for key in store.all():
                print(_as_json(key) if given.json else _line(key, now))
        case "rotate":
            name, secret = _made()
            store.rotate(given.id, name, key_digest(secret), now, now + _age("--keep", given.keep))
            _show(name, secret)
        case "revoke":
            store.revoke(given.id, now)
            print(f"`{given.id}` counts no more, within two seconds on every worker", file=sys.stderr)
    return 0


def _create(store: SqliteKeys, given: argparse.Namespace, now: float) -> None:
    name, secret = _made()
    scopes = (tuple(given.model), tuple(given.endpoint), tuple(given.zone))
    expires_at = 0.0 if given.expires is None else now + _age("--expires", given.expires)
    store.add(IssuedKey(name, key_digest(secret), given.caller, now, *scopes, expires_at))
    _show(name, secret)


def _made() -> tuple[str, str]:
    """A name by which a key is spoken of, and the key."""
    return f"key_{secrets.token_hex(4)}", f"gwk-{secrets.token_urlsafe(_BYTES)}"


def _show(id: str, secret: str) -> None:
    print(f"`{id}`; the key is shown this once:", file=sys.stderr)
    print(secret)


def _age(flag: str, said: str) -> float:
    found = _AGE.fullmatch(said)
    if found is None:
        raise ConfigError(f"`{flag}` must be an age such as `30m`, `12h` or `90d`, not `{said}`")
    return int(found[1]) * _SECONDS[found[2]]


def _as_json(key: IssuedKey) -> str:
    rows = msgspec.to_builtins(key)
    del rows["digest"]
    return json.dumps(rows)


def _line(key: IssuedKey, now: float) -> str:
    standing = "counts" if key.counts(now) else "revoked" if key.revoked_at and key.revoked_at <= now else "expired"
    ends = min((each for each in (key.expires_at, key.revoked_at) if each), default=0.0)
    until = f" until {datetime.datetime.fromtimestamp(ends, datetime.UTC):%Y-%m-%d %H:%M} UTC" if ends > now else ""
    scopes = [("models", key.models), ("endpoints", key.endpoints), ("zones", key.zones)]
    narrowed = "; ".join(f"{name} {' '.join(words)}" for name, words in scopes if words)
    return f"{key.id}  {key.caller}  {standing}{until}  {narrowed or 'everything the policy allows'}"
