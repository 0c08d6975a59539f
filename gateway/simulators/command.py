"""The verb `simulate`: a stand-in for a TGI server or for OpenAI on a port, until Ctrl-C."""

import argparse
import socket
import sys
from collections.abc import Callable, Mapping

from gateway.core.errors import ConfigError
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import listening
from gateway.simulators.server import run as run_server
from gateway.simulators.stand_in import StandIn
from gateway.simulators.tgi import TgiSettings, tgi_app


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", choices=tuple(SERVICES), help="which service to stand in for")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8080 for tgi, 8090 for openai)")
    parser.add_argument("--api-key", metavar="KEY", help="refuse requests without this key (default: let all in)")
    parser.add_argument("--prefill-ms", type=float, default=0.0, metavar="MS", help="time until the first token")
    parser.add_argument("--token-ms", type=float, default=0.0, metavar="MS", help="time a token takes")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="SHARE", help="unevenness of both, 0 to 1")
    parser.add_argument("--keep-log", type=int, default=10_000, metavar="N", help="requests remembered; 0 under load")


def run(given: argparse.Namespace) -> int:
    build, usual_port = SERVICES[given.service]
    port = usual_port if given.port is None else given.port
    where = f"http://{given.host}:{port}"
    with _listener(given.host, port) as listener:
        print(f"gateway: {given.service} simulator on {where}; faults at {where}/_simulator/faults", file=sys.stderr)
        run_server(build(given), listener)
    return 0


def _listener(host: str, port: int) -> socket.socket:
    try:
        return listening(host, port)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}; choose another `--port`") from None


def _tgi(given: argparse.Namespace) -> StandIn:
    settings = TgiSettings(
        api_key=given.api_key,
        prefill_ms=given.prefill_ms,
        token_ms=given.token_ms,
        jitter=given.jitter,
        keep_log=given.keep_log,
    )
    return tgi_app(settings)


def _openai(given: argparse.Namespace) -> StandIn:
    settings = OpenAISettings(
        api_key=given.api_key,
        prefill_ms=given.prefill_ms,
        token_ms=given.token_ms,
        jitter=given.jitter,
        keep_log=given.keep_log,
    )
    return openai_app(settings)


SERVICES: Mapping[str, tuple[Callable[[argparse.Namespace], StandIn], int]] = {
    "tgi": (_tgi, 8080),
    "openai": (_openai, 8090),
}
