"""``shortly secret``: rotating the secret in DATA_DIR."""

from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

from shortly.accounts.secret import FILE


def test_the_secret_is_rotated_and_the_old_one_retired(cli: Cli, ask: Ask, installation: Path) -> None:
    assert ask("secret", "rotate") == {"values": 2}
    values = (installation / FILE).read_text().strip().split(",")
    assert len(values) == 2
    again = cli("secret", "rotate")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "retire" in again.stderr
    early = cli("secret", "retire")
    assert early.exit_code == 1
    assert "90 more days" in early.stderr
    assert ask("secret", "retire", "--now") == {"values": 1}
    assert (installation / FILE).read_text().strip() == values[0]


def test_no_secret_is_ever_printed(cli: Cli, installation: Path) -> None:
    said = [cli("secret", *step) for step in (["rotate"], ["rotate"], ["retire"], ["retire", "--now"])]
    values = (installation / FILE).read_text().strip().split(",")
    for result in said:
        assert not any(value in result.stdout + result.stderr for value in values)


def test_a_secret_that_is_set_elsewhere_is_changed_there(
    cli: Cli, installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "canary" * 8)
    for step in ("rotate", "retire"):
        result = cli("secret", step)
        assert result.exit_code == 1
        assert "JWT_SECRET is set" in result.stderr
        assert "canary" not in result.stderr
    assert not (installation / FILE).exists()
