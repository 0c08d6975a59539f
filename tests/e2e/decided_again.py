"""Decides every record of a journal again, from nothing but the journal and the history of policies; prints both."""

import hashlib
import sys
from pathlib import Path

import msgspec

from gateway.core.records import Record
from gateway.policy.backtest import Backtest
from gateway.policy.load import load
from gateway.stores.journal_scan import JournalScan
from gateway.stores.policy_history_sqlite import SqliteHistory

ELSEWHERE = {"TGI_URL": "http://elsewhere", "OPENAI_BASE_URL": "http://elsewhere", "OPENAI_API_KEY": "another"}
"""What decides stands in the policy, so that another machine's addresses and keys make no difference."""


def bytes_of(record: Record) -> bytes:
    """What was decided and believed, bit for bit."""
    return msgspec.json.encode([record.decision, record.verdict])


def again(journal: Path, history: Path) -> list[tuple[bytes, bytes]]:
    """Of each record: as it was recorded, and as it is decided by the policy of its digest."""
    texts = {version.digest: version.text for version in SqliteHistory(history).newest(1_000)}
    backtests = {digest: Backtest(load(text, "policy.yaml", ELSEWHERE)) for digest, text in texts.items()}
    rows = []
    for record in JournalScan(journal, 0):
        replay = backtests[record.decision.policy_digest].replay(record)
        made_again = msgspec.structs.replace(record, decision=replay.decision, verdict=replay.verdict)
        rows.append((bytes_of(record), bytes_of(made_again)))
    return rows


if __name__ == "__main__":
    rows = again(Path(sys.argv[1]), Path(sys.argv[2]))
    for side in zip(*rows, strict=True):
        print(hashlib.sha256(b"\n".join(side)).hexdigest())
