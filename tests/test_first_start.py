"""What a start says and does while nobody has an account yet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.api.served import PASSWORD, settings_in

from shortly.accounts.passwords import Passwords
from shortly.accounts.people import User
from shortly.errors import InvalidSettings
from shortly.first_start import begin
from shortly.store import open_store
from shortly.wiring import entrance

pytestmark = pytest.mark.anyio
LINK = re.compile(r"http://localhost:8000/app/setup#token=([\w-]{43})\n")


async def start(folder: Path, **values: Any) -> list[User]:
    """Begin once, and return the users that there are afterwards."""
    settings = settings_in(folder, **values)
    async with open_store(settings) as store:
        door = entrance(settings, store, passwords=Passwords(time_cost=1, memory_cost=8, parallelism=1))
        try:
            await begin(settings, door.registry, door.secret, door.passwords)
            return await door.registry.all(User)
        finally:
            await door.close()


async def test_each_start_prints_a_link_until_somebody_came_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        assert await start(tmp_path) == []
        first = LINK.findall(capsys.readouterr().out)
        await start(tmp_path)
        second = LINK.findall(capsys.readouterr().out)
    assert len(first) == len(second) == 1
    assert first != second
    assert first[0] not in str(logs)
    settings = settings_in(tmp_path)
    async with open_store(settings) as store:
        door = entrance(settings, store, passwords=Passwords(time_cost=1, memory_cost=8, parallelism=1))
        await door.setup.redeem(first[0], email="ada@example.com", password=PASSWORD)
        await door.close()
    await start(tmp_path)
    assert "#token=" not in capsys.readouterr().out


async def test_the_settings_name_the_first_admin_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [ada] = await start(tmp_path, admin_email="Ada@example.com", admin_password=PASSWORD)
    assert (ada.email, ada.admin) == ("Ada@example.com", True)
    again = await start(tmp_path, admin_email="eve@example.com", admin_password=PASSWORD)
    assert again == [ada]
    assert "#token=" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("email", "password", "variable"),
    [("ada", PASSWORD, "ADMIN_EMAIL"), ("ada@example.com", "canary", "ADMIN_PASSWORD")],
)
async def test_a_bad_first_admin_stops_the_start(tmp_path: Path, email: str, password: str, variable: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{variable}: ") as refusal:
        await start(tmp_path, admin_email=email, admin_password=password)
    assert "canary" not in str(refusal.value)


async def test_who_is_on_redis_hears_that_replicas_need_the_same_secret(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    on_redis = settings_in(tmp_path, store_url="redis://redis.invalid")
    async with open_store(settings) as store:
        door = entrance(settings, store)
        for given, warned in ((settings, False), (on_redis, True)):
            with capture_logs() as logs:
                await begin(given, door.registry, door.secret, door.passwords)
            assert any("JWT_SECRET" in line["event"] for line in logs) is warned
        await door.close()
