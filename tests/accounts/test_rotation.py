"""Changing the secret in ``DATA_DIR``, step by step and whole at each of them."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shortly.accounts.rotation import retire, rotate
from shortly.accounts.secret import FILE, open_secret
from shortly.accounts.sessions import LONGEST
from shortly.errors import InvalidSettings, SecretKept


def ids(folder: Path) -> list[str]:
    return [key.id for key in open_secret(None, folder).keys("session")]


def test_the_new_value_signs_and_the_old_one_is_accepted_until_it_retires(tmp_path: Path) -> None:
    (old,) = ids(tmp_path)
    rotate(tmp_path)
    new, kept = ids(tmp_path)
    assert kept == old != new
    later = datetime.now(UTC) + LONGEST + timedelta(minutes=1)
    retire(tmp_path, later)
    assert ids(tmp_path) == [new]
    rotate(tmp_path)
    assert ids(tmp_path)[1] == new
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_change_is_finished_before_the_next_one(tmp_path: Path) -> None:
    rotate(tmp_path)
    before = ids(tmp_path)
    with pytest.raises(SecretKept, match="retire"):
        rotate(tmp_path)
    with pytest.raises(SecretKept, match="for 90 more days"):
        retire(tmp_path, datetime.now(UTC))
    assert ids(tmp_path) == before
    retire(tmp_path, datetime.now(UTC), at_once=True)
    assert ids(tmp_path) == before[:1]
    with pytest.raises(SecretKept, match="no old value"):
        retire(tmp_path, datetime.now(UTC), at_once=True)


def test_of_many_who_rotate_at_once_one_does(tmp_path: Path) -> None:
    (old,) = ids(tmp_path)

    def attempt(_: int) -> bool:
        try:
            rotate(tmp_path)
        except SecretKept:
            return False
        return True

    with ThreadPoolExecutor(8) as many:
        assert sum(many.map(attempt, range(16))) == 1
    assert ids(tmp_path)[1] == old


@pytest.mark.parametrize("fails", ["replace", "fsync"])
def test_a_step_that_fails_leaves_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    (old,) = ids(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, fails, fail)
        with pytest.raises(InvalidSettings, match="JWT_SECRET"):
            rotate(tmp_path)
    assert old in ids(tmp_path)
    assert os.listdir(tmp_path) == [FILE]


@pytest.mark.parametrize("step", [rotate, lambda folder: retire(folder, datetime.now(UTC))])
def test_a_damaged_file_is_not_written_over(tmp_path: Path, step: Callable[[Path], None]) -> None:
    (tmp_path / FILE).write_text("short\n")
    with pytest.raises(InvalidSettings):
        step(tmp_path)
    assert (tmp_path / FILE).read_text() == "short\n"
