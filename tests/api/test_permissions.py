"""Every address, as every kind of caller, at home and elsewhere: docs/permissions.md says what comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from tests.api.route_examples import EXAMPLES, INSTALLATION_ADMIN, INSTALLATION_KEY, ROLES, STRANGER, World
from tests.api.served import Served, settings_in

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
PAGES = ("/docs", "/openapi.json", "/robots.txt", "/favicon.ico", "/report", "/shared")
PEOPLE = (*ROLES, INSTALLATION_ADMIN)
EVERYWHERE = (INSTALLATION_ADMIN, INSTALLATION_KEY)


def table(heading: str) -> list[dict[str, str]]:
    """Return the rows of the page's table under a heading, by column."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip().strip("|") for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    return [dict(zip(names, row, strict=True)) for row in rows]


HOLDERS = {
    row.pop("Permission").strip("`"): {caller for caller, cell in row.items() if cell == "yes"}
    for row in table("Permissions")
}
"""Permission -> callers who have it."""
NEEDS = {row["Address"].strip("`"): row["Needs"].strip("`") for row in table("Addresses")}
ELSEWHERE = {row["Address"].strip("`"): row["Elsewhere"] for row in table("Addresses")}


def lets_in(needs: str, caller: str) -> bool:
    """Say whether the page lets a caller in, in their own workspace."""
    match needs:
        case "everybody":
            return True
        case "callers":
            return caller != STRANGER
        case "people":
            return caller in PEOPLE
        case permission:
            return caller in HOLDERS[permission]


def expected(address: str, caller: str, *, elsewhere: bool) -> set[str]:
    """Return what the page says about a request; a missing permission may hide that something is elsewhere."""
    needs, outcome = NEEDS[address], ELSEWHERE[address]
    if caller == STRANGER and needs != "everybody":
        return {"401"}
    if not elsewhere or outcome == "–" or (outcome == "404 / yes" and caller in EVERYWHERE):
        return {"yes" if lets_in(needs, caller) else "403"}
    return {"404"} if lets_in(needs, caller) else {"403", "404"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Fill one installation for all addresses, without limits for those who ask often."""
    unlimited = dict.fromkeys(("limit_create", "limit_report", "limit_anonymous"), "off")
    with Served(settings_in(tmp_path_factory.mktemp("world"), **unlimited)).open() as served:
        yield World(served)


def outcome_of(world: World, address: str, caller: str, workspace_id: int) -> str:
    """Send the example, and say what came of it."""
    method, _, path = address.partition(" ")
    ask = EXAMPLES[address](world, workspace_id, caller)
    client = world.callers[caller]
    if ask.once:
        client = world.signed_in(caller) if caller in PEOPLE else client
    cookies = dict(client.cookies)
    answer = client.request(method, ask.path or path, json=ask.json, follow_redirects=False)
    if not ask.once:
        assert dict(client.cookies) == cookies, "the session has changed: say once=True"
    elif caller not in PEOPLE:
        client.cookies.clear()
    status = answer.status_code
    if status == 200 and "/bulk/" in path:
        status = answer.json()["results"][0]["status"]
    if status in (401, 403, 404):
        return str(status)
    assert status < 300 or status == ask.also, f"{caller}: {answer.text[:300]}"
    return "yes"


@pytest.mark.parametrize("address", NEEDS)
def test_each_caller_gets_what_the_page_says(world: World, address: str) -> None:
    assert address in EXAMPLES, f"tests/api/route_examples.py has no example of {address}"
    for elsewhere in (False, True) if ELSEWHERE[address] != "–" else (False,):
        wrong = {}
        for caller in world.callers:
            workspace_id = world.theirs if elsewhere else world.ours
            outcome = outcome_of(world, address, caller, workspace_id)
            if outcome not in expected(address, caller, elsewhere=elsewhere):
                wrong[caller] = (outcome, expected(address, caller, elsewhere=elsewhere))
        assert not wrong, f"elsewhere={elsewhere}"


def test_the_page_names_every_address(world: World) -> None:
    found = {
        f"{method} {route.path_format}"
        for route in iter_route_contexts(world.served.app.routes)
        for method in route.methods or ()
        if route.path_format and route.path_format != "/" and not route.path_format.startswith(PAGES)
    }
    assert found - NEEDS.keys() == set(), "docs/permissions.md lacks rows, tests/api/route_examples.py examples"
    assert NEEDS.keys() - found == set(), "docs/permissions.md has rows of addresses that are not there"
    assert EXAMPLES.keys() == found


def test_the_page_names_every_caller_and_no_address_without_a_rule(world: World) -> None:
    (row, *_) = table("Permissions")
    assert set(row) - {"Permission"} == world.callers.keys() - {STRANGER}
    assert set(NEEDS.values()) <= {*HOLDERS, "everybody", "callers", "people"}
    assert set(ELSEWHERE.values()) == {"–", "404", "404 / yes"}
