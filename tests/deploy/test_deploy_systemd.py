"""The systemd unit says what the command understands, and leaves time enough to drain."""

import argparse
import configparser
import shlex
from pathlib import Path

from gateway import serve

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "hybrid-gateway.service"


def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(UNIT.read_text())
    return unit["Service"]


def started() -> argparse.Namespace:
    _, verb, *words = shlex.split(service()["ExecStart"])
    assert verb == "serve"
    parser = argparse.ArgumentParser()
    serve.configure(parser)
    return parser.parse_args(words)


def test_the_unit_starts_the_gateway_with_flags_it_knows() -> None:
    assert started().policy == Path("/etc/hybrid-gateway/policy.yaml")
    assert started().journal.startswith(f"/var/lib/{service()['StateDirectory']}/")


def test_the_unit_waits_longer_than_the_gateway_drains() -> None:
    assert float(service()["TimeoutStopSec"]) > started().drain_s + started().unready_s
    assert service()["KillSignal"] == "SIGTERM"
