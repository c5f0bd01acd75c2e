"""Statistics over HTTP."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served

PATH = "/api/v1/links/abc"
HUMAN = {"browser": "Firefox", "country": "DE", "visitor": b"12345678"}
BOT = {"bot": "GoogleBot"}
REFUSED = {"refused": "expired", "browser": "Firefox"}


def fill(served: Served) -> None:
    served.add("abc")
    served.add("other")
    served.click("abc", [HUMAN, HUMAN, {"browser": "Chrome"}, BOT, REFUSED])
    served.click("other", [HUMAN])


def test_a_page_of_statistics_tells_everything(served: Served) -> None:
    fill(served)
    stats = served.client.get(f"{PATH}/stats?period=7d").json()
    assert (stats["slug"], stats["domain"], stats["tz"], stats["step"]) == ("abc", "localhost:8000", "UTC", "day")
    assert (stats["clicks"], stats["bots"], stats["humans"]) == (4, 1, 3)
    assert len(stats["series"]) == 7
    assert sum(bucket["clicks"] for bucket in stats["series"]) == 4
    assert set(stats["series"][0]) == {"start", "clicks", "bots", "visitors"}
    assert datetime.fromisoformat(stats["until"]) - datetime.fromisoformat(stats["since"]) == timedelta(days=7)
    browsers = stats["breakdowns"]["browser"]
    assert [(value["value"], value["clicks"]) for value in browsers] == [("Firefox", 2), ("Chrome", 1)]
    assert browsers[0]["share"] == pytest.approx(2 / 3)
    assert stats["unknown"]["country"] == 1
    assert stats["breakdowns"]["bot"] == [{"value": "GoogleBot", "clicks": 1, "share": 1.0}]
    assert stats["previous"]["clicks"] == 0
    assert stats["change"]["clicks"] is None
    assert [len(day) for day in stats["heatmap"]] == [24] * 7
    assert sum(map(sum, stats["heatmap"])) == 3


def test_less_is_told_where_less_is_asked_for(served: Served) -> None:
    fill(served)
    stats = served.client.get(
        f"{PATH}/stats?dimensions=browser,os&dimensions=bot&compare=false&limit=1&step=week"
    ).json()
    assert list(stats["breakdowns"]) == ["browser", "os", "bot"]
    assert [value["value"] for value in stats["breakdowns"]["browser"]] == ["Firefox", "(other)"]
    assert (stats["previous"], stats["change"], stats["step"]) == (None, None, "week")


def test_all_links_together_have_statistics(served: Served) -> None:
    fill(served)
    stats = served.client.get("/api/v1/stats").json()
    assert (stats["clicks"], stats["bots"]) == (5, 1)
    assert "slug" not in stats


def test_a_day_is_a_day_where_the_reader_is(served: Served) -> None:
    served.add("abc")
    at = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
    served.click("abc", [{"at_ms": int(at.timestamp() * 1000)}])
    query = "since=2026-03-29&until=2026-03-31&step=day"
    utc, berlin = (
        served.client.get(f"{PATH}/stats?{query}&tz={zone}").json()["series"] for zone in ("UTC", "Europe/Berlin")
    )
    assert [bucket["clicks"] for bucket in utc] == [1, 0]
    assert [bucket["clicks"] for bucket in berlin] == [0, 1]
    assert berlin[1]["start"] == "2026-03-30T00:00:00+02:00"


def test_visits_come_in_pages_newest_first_without_what_tells_visitors_apart(served: Served) -> None:
    served.add("abc")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    served.click("abc", [{"at_ms": now_ms - 1000 + number, "referrer": f"site{number}"} for number in range(5)])
    first = served.client.get(f"{PATH}/visits?limit=3").json()
    rest = served.client.get(f"{PATH}/visits", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [visit["referrer"] for visit in first["items"] + rest["items"]] == [f"site{n}" for n in (4, 3, 2, 1, 0)]
    assert rest["next_cursor"] is None
    assert first["items"][0]["at"].endswith("Z")
    assert {"visitor", "link_id", "network", "private"}.isdisjoint(first["items"][0])


def test_visits_of_all_links_name_the_link_as_long_as_it_is_there(served: Served) -> None:
    for slug in ("abc", "gone"):
        served.add(slug)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    served.click("abc", [{"at_ms": now_ms - 3000 + number, "browser": "Firefox"} for number in range(3)])
    served.click("gone", [{"at_ms": now_ms - 1000, "bot": "curl"}])
    served.client.delete("/api/v1/links/gone")
    first = served.client.get("/api/v1/stats/visits?limit=2").json()
    cursor = first["next_cursor"]
    rest = served.client.get("/api/v1/stats/visits", params={"limit": 2, "cursor": cursor}).json()
    assert [visit["slug"] for visit in first["items"] + rest["items"]] == [None, "abc", "abc", "abc"]
    assert [visit["domain"] for visit in first["items"]] == [None, served.settings.base_host]
    assert first["items"][0]["bot"] == "curl"
    assert {"visitor", "link_id", "network", "private"}.isdisjoint(first["items"][0])
    only = served.client.get("/api/v1/stats/visits?browser=Firefox").json()
    assert len(only["items"]) == 3
    for wrong in ("cursor=1.1", "cursor=x", "limit=0", "limit=1000000", "domain=a.example", "period=never"):
        assert served.client.get(f"/api/v1/stats/visits?{wrong}").status_code == 422, wrong
    assert served.client.get(f"/api/v1/links/abc/visits?cursor={cursor}").json()["code"] == "invalid_cursor"


@pytest.mark.parametrize("path", [PATH, "/api/v1/stats"])
def test_visits_without_bots_fill_a_page_though_bots_came_last(served: Served, path: str) -> None:
    served.add("abc")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    served.click("abc", [{**HUMAN, "at_ms": now_ms - 5000 + number} for number in range(3)])
    served.click("abc", [{**BOT, "at_ms": now_ms - 1000 + number} for number in range(30)])
    first = served.client.get(f"{path}/visits?bots=false&limit=2").json()
    assert [visit["browser"] for visit in first["items"]] == ["Firefox"] * 2
    rest = served.client.get(f"{path}/visits", params={"bots": False, "limit": 2, "cursor": first["next_cursor"]})
    assert [visit["bot"] for visit in rest.json()["items"]] == [""]
    assert rest.json()["next_cursor"] is None
    assert len(served.client.get(f"{path}/visits?bots=true").json()["items"]) == 33
    assert served.client.get(f"{path}/visits?bots=some").json()["code"] == "invalid_input"


def test_a_key_for_a_part_of_the_links_sees_no_visits_of_all(served: Served) -> None:
    key = served.new_key("part", scopes=["stats:read"], only_tag="red")
    assert served.browser().get("/api/v1/stats/visits", headers={"X-Api-Key": key}).status_code == 403


@pytest.mark.parametrize(("table", "lines"), [("series", 7), ("breakdowns", 5), ("visits", 5)])
def test_a_table_can_be_exported(served: Served, table: str, lines: int) -> None:
    fill(served)
    answer = served.client.get(f"{PATH}/export?table={table}&period=7d&dimensions=browser,country,bot")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="shortly-{table}.csv"'
    rows = list(csv.DictReader(answer.text.splitlines()))
    answer = served.client.get(f"{PATH}/export?table={table}&period=7d&dimensions=browser,country,bot&format=jsonl")
    assert answer.headers["Content-Type"] == "application/jsonl"
    objects = [json.loads(line) for line in answer.text.splitlines()]
    assert [list(row) for row in rows] == [list(one) for one in objects]
    assert len(rows) == lines


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("*/*", "text/csv"), ("application/jsonl", "application/jsonl"), ("text/csv, application/json", "text/csv")],
)
def test_accept_picks_the_form_of_an_export(served: Served, accept: str, media_type: str) -> None:
    served.add("abc")
    for path in (f"{PATH}/export", "/api/v1/stats/export"):
        answer = served.client.get(path, headers={"Accept": accept})
        assert answer.headers["Content-Type"].partition(";")[0] == media_type
        assert answer.headers["Vary"] == "Accept"


def test_statistics_stay_with_a_renamed_link(client: TestClient, served: Served) -> None:
    fill(served)
    client.patch(PATH, json={"slug": "new"})
    for slug in ("abc", "new"):
        stats = client.get(f"/api/v1/links/{slug}/stats").json()
        assert (stats["slug"], stats["clicks"]) == ("new", 4)


# --- filters -------------------------------------------------------------------------------------------------


def filled_by_country(served: Served) -> None:
    served.add("a")
    served.click("a", [{"country": "DE", "browser": "Firefox", "referrer": "x.example"}] * 2)
    served.click("a", [{"country": "DE", "browser": "Safari"}, {"country": "FR", "browser": "Firefox"}])


@pytest.mark.parametrize("path", ["/api/v1/links/a/stats", "/api/v1/stats"])
def test_statistics_are_narrowed_by_the_values_of_visits(served: Served, path: str) -> None:
    filled_by_country(served)
    answer = served.client.get(f"{path}?country=DE&period=24h").json()
    assert [(one["value"], one["clicks"]) for one in answer["breakdowns"]["browser"]] == [("Firefox", 2), ("Safari", 1)]
    assert (answer["clicks"], answer["sample"]["visits"], answer["sample"]["complete"]) == (3, 4, True)
    assert answer["previous"]["clicks"] == 0
    direct = served.client.get(f"{path}?country=DE&referrer=").json()
    assert direct["clicks"] == 1
    assert served.client.get(path).json()["sample"] is None


def test_where_the_period_before_is_not_known_whole_nothing_is_compared(served: Served) -> None:
    filled_by_country(served)
    answer = served.client.get("/api/v1/stats?country=DE&period=12mo").json()
    assert (answer["previous"], answer["change"], answer["sample"]["complete"]) == (None, None, False)


def test_visits_and_their_export_are_narrowed_too(served: Served) -> None:
    filled_by_country(served)
    visits = served.client.get("/api/v1/links/a/visits?browser=Safari").json()
    assert [one["country"] for one in visits["items"]] == ["DE"]
    table = served.client.get("/api/v1/links/a/export?table=visits&country=FR").text
    assert len(table.splitlines()) == 2
    everything = served.client.get("/api/v1/stats/export?table=visits&country=DE&format=jsonl").text
    assert len(everything.splitlines()) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/stats?bot=curl",
        "/api/v1/stats?refused=expired",
        "/api/v1/stats?countries=DE",
        "/api/v1/stats?city=" + "x" * 513,
        "/api/v1/links/a/visits?city=" + "x" * 513,
        "/api/v1/links/a/visits?city=%00",
        "/api/v1/stats?city=%ED%A0%80",
        "/api/v1/stats/export?country=DE",
        "/api/v1/links/a/export?table=breakdowns&country=DE",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(served: Served, path: str) -> None:
    served.add("a")
    answer = served.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_a_filter_may_be_any_text(served: Served) -> None:
    served.add("a")
    for value in ("%01", "%F0%9F%A6%89", "'%20OR%201=1", "(other)"):
        assert served.client.get(f"/api/v1/links/a/stats?city={value}").json()["clicks"] == 0
