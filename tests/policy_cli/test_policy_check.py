"""`gateway policy check` tells people, programs and CI what is wrong with a file, and what was proved of it."""

import json

LEAK = "invariants:\n  - never: {complexity: hard, reaches: {zone: openai}}\n"


def test_a_sound_file_is_answered_with_what_was_proved(shown, written) -> None:
    path = written(more="invariants:\n  - never: {sensitivity: {at_least: confidential}, reaches: {zone: openai}}\n")
    code, out, err = shown("check", path)
    assert (code, err) == (0, "")
    states = "(324 kinds of requests, every state of 2 backends)"
    clearance, promise = out.splitlines()
    assert clearance.startswith(f"{path}: proved: no request goes to a zone that is cleared for less than its class (")
    assert promise.startswith(f"{path}: proved: no request that is confidential or restricted goes to zone `openai` (")
    assert promise.endswith(states)


def test_a_broken_promise_is_an_error_with_its_path(shown, written) -> None:
    path = written(more=LEAK)
    code, out, _ = shown("check", path)
    assert code == 1
    assert out.splitlines()[:5] == [
        f"{path}:28:5: error: broken-invariant: no request that is hard goes to zone `openai`",
        "    request: `chat`, public, hard",
        "    rule:    `hard` → `frontier`, `local`",
        "    failure: none is needed",
        "    zone:    `openai`, cleared for internal, through backend `frontier`",
    ]


def test_a_dead_rule_is_a_warning_and_no_success(shown, written) -> None:
    path = written(("{complexity: hard}", "{sensitivity: restricted}"))
    code, out, _ = shown("check", path)
    assert code == 1
    assert f"{path}:22:5: warning: dead-rule: rule `hard` can never match: rule `private` above it" in out


def test_what_cannot_be_read_is_told_line_by_line(shown, written) -> None:
    path = written(("route: [local]\n", "route: [locl]\n"), ("complexity: hard", "complexty: hard"))
    code, out, _ = shown("check", path)
    assert code == 1
    assert out.splitlines() == [
        f"{path}:21:13: error: unreadable: `route` in rule `private` cannot be `locl`; did you mean `local`?",
        f"{path}:23:12: error: unreadable: unknown key `complexty` in `when` of rule `hard`; did you mean "
        + "`complexity`?",
    ]


def test_secrets_need_not_be_set(shown, written) -> None:
    assert shown("check", written())[0] == 0


def test_several_files_are_checked_and_one_wrong_one_counts(shown, written) -> None:
    sound, leaky = written(name="sound.yaml"), written(more=LEAK, name="leaky.yaml")
    code, out, _ = shown("check", sound, leaky)
    assert code == 1
    assert f"{sound}: proved:" in out
    assert f"{leaky}:28:5: error:" in out


def test_a_file_that_is_not_there_is_no_verdict_on_a_policy(shown, tmp_path) -> None:
    code, out, err = shown("check", tmp_path / "none.yaml")
    assert (code, out) == (2, "")
    assert "no such file or directory" in err


def test_programs_get_json(shown, written) -> None:
    path = written(more=LEAK)
    code, out, _ = shown("check", path, "--format", "json")
    (file,) = json.loads(out)["files"]
    (trouble,) = file["troubles"]
    assert (code, file["file"], file["policy"], file["ok"]) == (1, str(path), "house", False)
    assert (trouble["level"], trouble["code"], trouble["place"]) == (
        "error",
        "broken-invariant",
        {"line": 28, "column": 5},
    )
    assert trouble["path"][0] == "request: `chat`, public, hard"
    assert [each["sentence"] for each in file["proved"]] == [
        "no request goes to a zone that is cleared for less than its class"
    ]


def test_code_hosts_get_sarif(shown, written) -> None:
    path = written(more=LEAK)
    code, out, _ = shown("check", path, "--format", "sarif")
    log = json.loads(out)
    (run,) = log["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (code, log["version"], result["ruleId"], result["level"]) == (1, "2.1.0", "broken-invariant", "error")
    assert (place["artifactLocation"]["uri"], place["region"]) == (str(path), {"startLine": 28, "startColumn": 5})
    assert run["tool"]["driver"]["rules"] == [{"id": "broken-invariant"}]


def test_sarif_of_a_sound_file_is_a_run_without_results(shown, written) -> None:
    code, out, _ = shown("check", written(), "--format", "sarif")
    assert (code, json.loads(out)["runs"][0]["results"]) == (0, [])
