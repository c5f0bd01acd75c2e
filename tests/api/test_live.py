"""The live stream at its front door; a real server keeps it open, see ``tests/faults``."""

import json
from copy import copy
from functools import partial
from threading import Timer
from typing import Any

import pytest
from httpx2 import Headers
from tests.api.served import Served

from shortly.api import live


def events(text: str) -> list[tuple[str, Any]]:
    """Return name and data of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_the_last_hour_of_a_link_and_of_all_is_told(served: Served) -> None:
    served.add("abc")
    served.add("def")
    served.click("abc", [{}, {"bot": "curl"}])
    served.click("def", [{}])
    answer = served.client.get("/api/v1/live?follow=false")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    [(name, all_links)] = events(answer.text)
    assert (name, sum(clicks for _, clicks, _ in all_links["moments"])) == ("hour", 3)
    [(_, one)] = events(served.client.get("/api/v1/live?follow=false&slug=abc").text)
    assert [(clicks, bots) for _, clicks, bots in one["moments"]] == [(2, 1)]
    assert one["complete"] is True


def test_who_comes_back_gets_news_alone(served: Served) -> None:
    first = served.client.get("/api/v1/live?follow=false").text
    last = next(line[4:] for line in first.split("\n") if line.startswith("id: "))
    again = served.client.get("/api/v1/live?follow=false", headers={"Last-Event-ID": last}).text
    assert "event: hour" in first
    assert "event: hour" not in again


def test_a_key_for_some_links_watches_those_alone(served: Served) -> None:
    served.add("abc", tags=["ours"])
    served.add("def")
    headers = {"Authorization": f"Bearer {served.new_key('some', only_tag='ours', scopes=('stats:read',))}"}
    assert served.stranger.get("/api/v1/live?follow=false&slug=abc", headers=headers).status_code == 200
    assert served.stranger.get("/api/v1/live?slug=def", headers=headers).status_code == 404
    assert served.stranger.get("/api/v1/live", headers=headers).status_code == 403


def test_a_stream_gives_its_place_back(served: Served) -> None:
    for _ in range(20):
        assert served.client.get("/api/v1/live?follow=false").status_code == 200
    places = [served.services.live.place(served.actor) for _ in range(8)]
    for place in places:
        place.__enter__()
    refused = served.client.get("/api/v1/live")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")


@pytest.mark.parametrize("ends", ["session", "key"])
def test_a_stream_ends_with_what_opened_it(served: Served, ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    if ends == "session":
        client = served.set_up()
        user_id = client.get("/api/v1/auth/me").json()["user"]["id"]
        end = partial(served.run, served.services.entrance.sessions.end_all, user_id)
    else:
        client = copy(served.stranger)
        client.headers = Headers({"Authorization": f"Bearer {served.new_key('short', scopes=('stats:read',))}"})
        keys = served.client.get("/api/v1/keys").json()["items"]
        key_id = next(key["id"] for key in keys if key["name"] == "short")
        end = partial(served.client.delete, f"/api/v1/keys/{key_id}")
    timer = Timer(0.5, end)
    timer.start()
    answer = client.get("/api/v1/live")  # handed over when it has ended, so that without an end there is no answer
    timer.join()
    assert "event: hour" in answer.text
    assert client.get("/api/v1/live").status_code == 401
