"""`gateway policy schema`: the JSON Schema of policy files, with which editors complete and validate."""

import argparse
import json

from gateway.policy.json_schema import json_schema


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "name it in the first line of a policy: # yaml-language-server: $schema=policy.schema.json"


def run(given: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), indent=2))
    return 0
