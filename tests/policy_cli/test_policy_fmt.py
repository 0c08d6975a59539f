"""`gateway policy fmt` writes a file anew where it has to, and with `--check` only says so."""


def test_a_file_is_laid_out_in_place_once(shown, written) -> None:
    path = written(("zones:\n", "zones:   \n\n\n"))
    assert shown("fmt", "--check", path) == (1, f"{path}: would be laid out anew\n", "")
    assert shown("fmt", path) == (0, f"{path}: laid out anew\n", "")
    assert shown("fmt", "--check", path) == (0, "", "")
    assert "zones:\n\n  on_prem" in path.read_text()


def test_check_writes_nothing(shown, written) -> None:
    path = written(more="\n\n\n")
    before = path.read_bytes()
    assert shown("fmt", "--check", path)[0] == 1
    assert path.read_bytes() == before


def test_what_is_no_policy_is_told(shown, tmp_path) -> None:
    path = tmp_path / "tabs.yaml"
    path.write_text("zones:\n\thome: {}\n")
    code, _, err = shown("fmt", path)
    assert code == 2
    assert "a tab is refused; indent with spaces" in err
