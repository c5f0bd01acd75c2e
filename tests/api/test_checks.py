"""Checks of targets, through the front door: asked by hand, told of, and never on the inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.api.served import Served
from tests.outbound.by_number import ByNumber, running

from shortly.accounts.registry import Registry
from shortly.links.checks import BROKEN_AFTER, Finding, LinkChecks

CHECKS = "/api/v1/checks"
BROKEN = "/api/v1/attention/broken"


@pytest.fixture
def site() -> Iterator[ByNumber]:
    """Run somebody's server."""
    with running() as site:
        yield site


@pytest.fixture
def near(serve: Callable[..., Served], site: ByNumber) -> Served:
    """Run an API that may ask that server."""
    return serve(outbound_allow=("127.0.0.1",), outbound_ports=(site.server_port,))


def break_(served: Served, slug: str) -> None:
    """Let the target have failed as often as it takes."""
    start = datetime.now(UTC) - timedelta(days=1)
    link = served.run(served.services.links.get, slug)
    for hours in range(BROKEN_AFTER):
        moment = start + timedelta(hours=hours)
        registry = Registry(served.store, lambda moment=moment: moment)  # type: ignore[misc]
        served.run(
            LinkChecks(served.store, registry, served.services.checks._ask).note, link, Finding("bad_status", 404)
        )


def test_a_target_that_answers_is_fine(near: Served, site: ByNumber) -> None:
    near.add("fine", target=site.url())
    answer = near.client.post(f"{CHECKS}/fine")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["said"], body["status"], body["trouble"]) == ("answers", 200, None)
    assert datetime.fromisoformat(body["checked_at"]) - datetime.now(UTC) < timedelta(minutes=1)
    assert site.asked == ["HEAD /200"]
    assert near.client.get(f"{CHECKS}/fine").json() == {"trouble": None}
    assert site.asked == ["HEAD /200"]  # reading asks nobody


def test_a_failure_is_told_and_known_and_changes_nothing_of_the_link(near: Served, site: ByNumber) -> None:
    near.add("gone", target=site.url("/404"))
    before = near.client.get("/api/v1/links/gone")
    body = near.client.post(f"{CHECKS}/gone").json()
    assert (body["said"], body["status"]) == ("bad_status", 404)
    trouble = body["trouble"]
    assert (trouble["failures"], trouble["broken"], trouble["status"]) == (1, False, 404)
    assert near.client.get(f"{CHECKS}/gone").json() == {"trouble": trouble}
    after = near.client.get("/api/v1/links/gone")
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])
    assert near.client.get("/api/v1/attention").json()["items"] == []  # once is not enough


def test_by_hand_it_takes_three_hours_as_well(near: Served, site: ByNumber) -> None:
    near.add("gone", target=site.url("/500"))
    for _ in range(BROKEN_AFTER):
        trouble = near.client.post(f"{CHECKS}/gone").json()["trouble"]
    assert (trouble["failures"], trouble["broken"]) == (1, False)


def test_a_broken_link_needs_attention_until_its_target_answers(near: Served, site: ByNumber) -> None:
    near.add("gone", target=site.url())
    break_(near, "gone")
    (item,) = near.client.get("/api/v1/attention").json()["items"]
    assert (item["reason"], item["link"]["slug"], item["taken"]) == ("broken", "gone", None)
    assert (item["trouble"]["said"], item["trouble"]["status"], item["trouble"]["broken"]) == ("bad_status", 404, True)
    near.client.post(f"{CHECKS}/gone")
    assert near.client.get("/api/v1/attention").json()["items"] == []
    assert near.client.get(f"{CHECKS}/gone").json() == {"trouble": None}


def test_an_edit_of_the_target_ends_it(served: Served) -> None:
    served.add("gone")
    break_(served, "gone")
    assert served.client.get(f"{CHECKS}/gone").json()["trouble"]["broken"]
    served.client.patch("/api/v1/links/gone", json={"target": "https://example.org/"})
    assert served.client.get(f"{CHECKS}/gone").json() == {"trouble": None}
    assert served.client.get("/api/v1/attention").json()["items"] == []


def test_what_is_inside_is_not_asked(served: Served, site: ByNumber) -> None:
    served.add("inside", target=site.url("/404"))
    body = served.client.post(f"{CHECKS}/inside").json()
    assert (body["said"], body["status"], body["trouble"]) == ("not_asked", None, None)
    assert site.asked == []


def test_broken_links_come_in_pages(served: Served) -> None:
    for number in range(5):
        served.add(f"gone{number}")
        break_(served, f"gone{number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = served.client.get(f"{BROKEN}?limit=2{cursor}").json()
        seen += [item["link"]["slug"] for item in page["items"]]
        assert all(item["trouble"]["broken"] for item in page["items"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [f"gone{number}" for number in (4, 3, 2, 1, 0)]
    answer = served.client.get("/api/v1/attention?limit=2").json()
    assert (len(answer["items"]), answer["more"]) == (2, ["broken"])


def test_a_key_for_a_part_of_the_links_is_told_of_these_only(served: Served) -> None:
    for colour in ("red", "blue"):
        served.add(colour, tags=[colour])
        break_(served, colour)
    headers = {"X-Api-Key": served.new_key("part", scopes=["links:read", "links:write"], only_tag="red")}
    answer = served.browser().get(BROKEN, headers=headers).json()
    assert [item["link"]["slug"] for item in answer["items"]] == ["red"]
    for ask in (served.browser().get, served.browser().post):
        refused = ask(f"{CHECKS}/blue", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "link_not_found")


def test_who_only_reads_has_nobody_asked(served: Served) -> None:
    served.add("ab")
    headers = {"X-Api-Key": served.new_key("reads", scopes=["links:read"])}
    assert served.browser().post(f"{CHECKS}/ab", headers=headers).status_code == 403


def test_who_checks_too_often_is_refused(serve: Callable[..., Served], site: ByNumber) -> None:
    served = serve(limit_check="2/hour")
    served.add("inside", target=site.url())
    assert [served.client.post(f"{CHECKS}/inside").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=-1", "cursor=0", "other=1"])
def test_what_makes_no_sense_is_refused(served: Served, query: str) -> None:
    assert served.client.get(f"{BROKEN}?{query}").status_code in (400, 422)


@pytest.mark.parametrize("slug", ["nobody", "a/b", "%00", "..%2f..%2fetc", "%F0%9F%A6%89", "a" * 5000, "%0d%0aX: y"])
def test_a_slug_that_no_link_has_is_not_found(served: Served, slug: str) -> None:
    for ask in (served.client.get, served.client.post):
        answer = ask(f"{CHECKS}/{slug}")
        assert answer.status_code == 404, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_unknown_domain_is_told_of(served: Served) -> None:
    answer = served.client.post(f"{CHECKS}/ab?domain=else.example")
    assert answer.json()["code"] == "unknown_domain"
