"""Asking a running gateway's admin routes, for the verbs that change or read what it serves."""

import argparse
import getpass
import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from gateway.core.errors import ConfigError

KEY = "GATEWAY_ADMIN_KEY"
WAIT_S = 60.0


class Refused(Exception):
    """The gateway answered that it will not; its own words."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gateway", default="http://127.0.0.1:8000", metavar="URL", help="a running gateway (default %(default)s)"
    )
    parser.epilog = (
        f"the admin key is read from {KEY}; exit code 0: done; 1: the gateway refused; 2: it cannot be asked"
    )


def configure_change(parser: argparse.ArgumentParser) -> None:
    configure(parser)
    parser.add_argument("--author", default=_user(), help="who changes it, for the history (default: %(default)s)")
    parser.add_argument("--note", default="", help="why, for the history")


def ask(gateway: str, method: str, path: str, body: object = None) -> Any:
    """The answer's JSON. Raises Refused, and ConfigError where nothing like a gateway answers."""
    where = urlsplit(gateway)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise ConfigError(f"`--gateway` must be a URL such as `http://127.0.0.1:8000`, not `{gateway}`")
    connect = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = connect(where.hostname, where.port, timeout=WAIT_S)
    headers = {"content-type": "application/json"}
    if key := os.environ.get(KEY):
        headers["authorization"] = f"Bearer {key}"
    try:
        target = where.path.rstrip("/") + "/admin/policy" + path
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        status, answer = response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(
            f"no gateway answers at `{gateway}`: {reason.lower()}; give its address as `--gateway`"
        ) from None
    finally:
        connection.close()
    if status >= 300:
        raise Refused(answer["error"]["message"] if "error" in answer else f"it answered {status}")
    return answer


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return ""
