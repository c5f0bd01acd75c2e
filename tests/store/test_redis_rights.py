"""The user of docs/redis.md has the rights that every script needs; what only a rare script calls is missed quickly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import shortly.store.redis

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((Path(shortly.store.redis.__file__).parent / "scripts").glob("*.lua"))
RIGHTS = set(re.findall(r"\+([a-z_]+)", (ROOT / "docs" / "redis.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_calls_nothing_that_the_documented_user_may_not(script: Path) -> None:
    called = {name.lower() for name in re.findall(r"redis\.p?call\(\s*['\"](\w+)", script.read_text(encoding="utf-8"))}
    assert called <= RIGHTS, f"missing in docs/redis.md: {sorted(called - RIGHTS)}"


def test_the_scripts_were_found_and_call_what_they_are_known_to() -> None:
    assert len(SCRIPTS) > 10
    assert "bitcount" in RIGHTS
