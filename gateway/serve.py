"""The verb `serve`: the gateway in one process or several, until SIGTERM drains it."""

import argparse
import os
import signal

from gateway import flags
from gateway.app import Gateway
from gateway.config import Settings
from gateway.control.origin import Origin
from gateway.server import DrainingServer
from gateway.workers import Workers


def configure(parser: argparse.ArgumentParser) -> None:
    flags.configure(parser)


def run(given: argparse.Namespace) -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    settings = Settings.read(os.environ, vars(given))
    origin = Origin(given.policy, os.environ, settings.weights)
    policy = origin.read().policy
    if settings.workers > 1:
        return Workers(settings, vars(given)).run()
    server = DrainingServer(Gateway(policy, settings, origin), settings)
    server.run()
    return 0 if server.started else 1
