"""The installation's secret: where it comes from, and what is made of it."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from shortly.accounts.secret import FILE, Secret, open_secret
from shortly.errors import InvalidSettings

OLD, NEW = "o" * 32, "n" * 32


def test_without_a_setting_it_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first = open_secret(None, tmp_path / "data")
    second = open_secret(None, tmp_path / "data")
    assert first.keys("x") == second.keys("x")
    assert first.keys("x") != open_secret(None, tmp_path / "other").keys("x")
    file = tmp_path / "data" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [FILE]


def read(folder: Path) -> bytes:
    return open_secret(None, folder).keys("x")[0].value


@pytest.mark.slow
def test_processes_that_start_at_once_agree_on_one(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        for attempt in range(20):
            assert len(set(pool.map(read, [tmp_path / str(attempt)] * 6, chunksize=1))) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"x" * 40 + b",", b",".join([b"x" * 40] * 3)])
def test_a_file_without_a_secret_stops_the_start_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InvalidSettings, match=r"^JWT_SECRET: .*\.$") as refusal:
        open_secret(None, tmp_path)
    assert "xxx" not in str(refusal.value)


def test_a_folder_that_cannot_be_written_does_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettings, match=r"^JWT_SECRET: "):
        open_secret(None, tmp_path / "file" / "folder")


def test_each_use_has_a_key_of_its_own() -> None:
    secret = Secret((NEW,))
    assert secret.keys("session") != secret.keys("totp")
    assert NEW.encode() not in secret.keys("session")[0].value


def test_what_was_sealed_opens_for_the_same_use_and_thing_only() -> None:
    secret = Secret((NEW,))
    sealed = secret.seal("totp", b"seed", b"user:1")
    assert secret.unseal("totp", sealed, b"user:1") == b"seed"
    assert secret.unseal("totp", sealed, b"user:2") is None
    assert secret.unseal("session", sealed, b"user:1") is None
    assert Secret((OLD,)).unseal("totp", sealed, b"user:1") is None
    for place in range(len(sealed)):
        spoilt = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        assert secret.unseal("totp", spoilt, b"user:1") is None
    assert secret.unseal("totp", sealed[:12], b"user:1") is None
    assert secret.unseal("totp", b"", b"user:1") is None


def test_the_old_value_opens_and_the_new_one_seals() -> None:
    sealed = Secret((OLD,)).seal("totp", b"seed", b"")
    both = Secret((NEW, OLD))
    assert both.unseal("totp", sealed, b"") == b"seed"
    assert not both.is_current(sealed)
    again = both.seal("totp", b"seed", b"")
    assert both.is_current(again)
    assert Secret((NEW,)).unseal("totp", again, b"") == b"seed"
