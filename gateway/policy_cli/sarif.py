"""SARIF 2.1.0, which code hosts show beside the lines of a change.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections.abc import Mapping, Sequence

from gateway.policy.problems import Place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
Node = Mapping[str, object]


def result(level: str, code: str, text: str, file: str, place: Place) -> Node:
    region = {"startLine": place.line, "startColumn": place.column}
    location = {"physicalLocation": {"artifactLocation": {"uri": file}, "region": region}}
    return {"ruleId": code, "level": level, "message": {"text": text}, "locations": [location]}


def log(tool: str, results: Sequence[Node]) -> Node:
    rules = [{"id": code} for code in dict.fromkeys(str(each["ruleId"]) for each in results)]
    run = {"tool": {"driver": {"name": tool, "rules": rules}}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
