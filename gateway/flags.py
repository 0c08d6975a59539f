"""The flags of whatever runs a gateway or looks at how one would run: `serve` and `doctor` take the same."""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the routing policy (YAML)")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1; or GATEWAY_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8000; or GATEWAY_PORT)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default 1; or GATEWAY_WORKERS)")
    parser.add_argument("--journal", metavar="FILE", help="SQLite file for the records (or GATEWAY_JOURNAL)")
    parser.add_argument("--journal-keep", metavar="AGE", help="how long, such as 30d (or GATEWAY_JOURNAL_KEEP)")
    parser.add_argument(
        "--ledger", metavar="FILE|URL", help="where budgets are kept: SQLite or Redis (or GATEWAY_LEDGER)"
    )
    parser.add_argument(
        "--budget-webhook", metavar="URL", help="is told of nearly spent budgets (or GATEWAY_BUDGET_WEBHOOK)"
    )
    parser.add_argument(
        "--history", metavar="FILE|URL", help="where served policies are kept: SQLite or Redis (or GATEWAY_HISTORY)"
    )
    parser.add_argument("--keys", metavar="FILE", help="keys issued by `gateway keys` (or GATEWAY_KEYS)")
    parser.add_argument("--weights", metavar="FILE", help="weights of the complexity model (or GATEWAY_WEIGHTS)")
    parser.add_argument("--log", choices=("json", "none"), help="a JSON line a request on stdout (or GATEWAY_LOG)")
    parser.add_argument("--max-body-bytes", type=int, metavar="N", help="largest body (or GATEWAY_MAX_BODY_BYTES)")
    parser.add_argument(
        "--drain-s", type=float, metavar="SECONDS", help="longest wait for requests after SIGTERM (or GATEWAY_DRAIN_S)"
    )
    parser.add_argument(
        "--unready-s", type=float, metavar="SECONDS", help="unready but open after SIGTERM (or GATEWAY_UNREADY_S)"
    )
