"""Several processes that want the same thing at the same moment: exactly one gets it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.faults.load import Load
from tests.faults.processes import wait_until
from tests.faults.served import Served

pytestmark = pytest.mark.faults

WANTED = 400


def test_a_slug_that_two_workers_and_the_command_line_want_is_given_once(served: Served) -> None:
    slugs = [f"want-{nth:03d}" for nth in range(WANTED)]
    targets = {name: f"https://example.com/{name}" for name in ("one", "two", "three", "command-line")}
    lines = "".join(f"{json.dumps({'slug': slug, 'target': targets['command-line']})}\n" for slug in reversed(slugs))
    added = served.command_line("add", "--from", "-", "--json", stdin=lines)
    # The command line works from the end in big steps: it meets the others, who begin at the start, somewhere.
    with ThreadPoolExecutor(6) as pool:
        answers = {
            (slug, name): pool.submit(served.post_link, slug, targets[name])
            for slug in slugs
            for name in ("one", "two", "three")
        }
    out, errors = added.communicate(timeout=60)

    winners: dict[str, list[str]] = {slug: [] for slug in slugs}
    for (slug, name), future in answers.items():
        answer = future.result()
        if answer.status_code == 201:
            winners[slug].append(name)
        else:
            assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken"), answer.text
    for line in out.splitlines():
        record = json.loads(line)
        if record["link"] is None:
            assert record["error"]["code"] == "slug_taken", record
        else:
            winners[record["link"]["slug"]].append("command-line")
    print(Counter(name for names in winners.values() for name in names))
    assert {slug: names for slug, names in winners.items() if len(names) != 1} == {}, errors
    assert {name for names in winners.values() for name in names} == set(targets), "there was no race"
    for slug, (winner,) in winners.items():
        assert served.api.get(f"/{slug}").headers["location"] == targets[winner]


def test_a_click_limit_holds_for_64_visitors_of_two_workers(served: Served) -> None:
    served.make_link("few", max_clicks=50)
    with Load(served.port, ["/few"], connections=64) as load:
        wait_until(lambda: load.others.total() >= 500, within_s=20, what="the limit was met often")
    assert load.answered == 50
    assert set(load.others) == {410}
    assert load.cuts == []
    assert load.refused == 0
    assert served.counted("few", at_least=50) == 50
    assert served.metrics()['shortly_redirects_total{status="410"}'] == load.others[410]


def test_a_click_limit_holds_through_kills(served: Served) -> None:
    served.make_link("few", max_clicks=400)
    with Load(served.port, ["/few"], connections=16) as load:
        load.wait_for(50)
        served.kill_all()
        served.start()
        wait_until(lambda: load.others.total() >= 100, within_s=20, what="the limit is reached")
    assert 400 - len(load.cuts) <= load.answered <= 400
    assert set(load.others) == {410}
    assert load.answered <= served.counted("few", at_least=load.answered) <= 400
