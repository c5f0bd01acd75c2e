"""A POST with an ``Idempotency-Key`` is carried out once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.api.served import Served

LINKS = "/api/v1/links"
NEW = {"target": "https://example.com/"}


def post(served: Served, key: str, body: Any = NEW, path: str = LINKS, **headers: str) -> Any:
    return served.client.post(path, json=body, headers={"Idempotency-Key": key, **headers})


def test_the_answer_is_given_again_and_nothing_is_done_twice(served: Served) -> None:
    first, again = post(served, "k1"), post(served, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert [again.headers[name] == first.headers[name] for name in ("Location", "ETag", "Content-Type")] == [True] * 3
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert len(served.slugs()) == 1


def test_a_bulk_is_carried_out_once_too(served: Served) -> None:
    body = {"links": [NEW, {"target": 1}]}
    first = post(served, "k1", body, "/api/v1/bulk/links")
    again = post(served, "k1", body, "/api/v1/bulk/links")
    assert again.json() == first.json()
    assert len(served.slugs()) == 1


def test_another_request_with_the_same_key_is_refused(served: Served) -> None:
    post(served, "k1")
    for other in (
        post(served, "k1", {"target": "https://example.com/2"}),
        post(served, "k1", {"links": [NEW]}, "/api/v1/bulk/links"),
        served.client.post(f"{LINKS}?x=1", json=NEW, headers={"Idempotency-Key": "k1"}),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(served.slugs()) == 1


def test_keys_belong_to_their_api_key(served: Served) -> None:
    post(served, "k1")
    other = post(served, "k1", Authorization=f"Bearer {served.new_key('other')}")
    assert other.status_code == 201
    assert other.json()["owner"] not in ("", served.actor)


def test_a_refused_request_may_be_corrected_under_its_key(served: Served) -> None:
    assert post(served, "k1", {"target": "nonsense"}).status_code == 422
    assert post(served, "k1").status_code == 201


def test_a_failed_request_may_be_repeated(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("inside")

    with monkeypatch.context() as broken, capture_logs():
        broken.setattr(served.services.store, "add_links", fail)
        assert post(served, "k1").status_code == 500
    assert post(served, "k1").status_code == 201


def test_requests_at_the_same_time_are_carried_out_once(served: Served) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(served, "k1"), range(24)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["slug"] for answer in made}) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_in_progress"
            assert int(answer.headers["Retry-After"]) >= 1
    assert len(served.slugs()) == 1


def test_a_claim_under_way_is_told(served: Served) -> None:
    store = served.services.store
    post(served, "k1")
    earlier = served.run(store.claim, f"{served.actor}@1:k1", b"", served.services.clock())
    served.run(store.claim, f"{served.actor}@1:k2", earlier.fingerprint, served.services.clock())
    answer = post(served, "k2")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", b"\xff", "a\tb"])
def test_a_malformed_key_is_refused(served: Served, key: Any) -> None:
    answer = served.client.post(LINKS, json=NEW, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert served.slugs() == []


def test_two_keys_are_one_too_many(served: Served) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", f"Bearer {served.key}")]
    assert served.stranger.post(LINKS, json=NEW, headers=headers).status_code == 400
