"""Tags and folders with their counts, the same on every engine."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import add, link

from shortly.links.labels import LabelKind, LabelQuery
from shortly.store import Store

pytestmark = pytest.mark.anyio


async def labels(store: Store, kind: LabelKind, workspace: int = 1, **query: Any) -> dict[str, int]:
    """Return what one page says."""
    page = await store.list_labels(LabelQuery(kind=kind, workspace=workspace, **query))
    return {label.name: label.links for label in page.items}


async def test_labels_are_counted_through_every_change(store: Store) -> None:
    first = await add(store, "a", tags=("blue", "red"), folder="x")
    await add(store, "b", tags=("red",), folder="x", archived=True)
    await add(store, "c", workspace=2, tags=("red",), folder="y")
    assert await labels(store, "tag") == {"blue": 1, "red": 2}
    assert await labels(store, "folder") == {"x": 2}
    assert await labels(store, "tag", 2) == {"red": 1}
    assert await labels(store, "folder", 2) == {"y": 1}
    (moved,) = await store.replace_links([(first, replace(first, tags=("green", "red"), folder="z"))])
    assert await labels(store, "tag") == {"green": 1, "red": 2}
    assert await labels(store, "folder") == {"x": 1, "z": 1}
    assert moved == replace(first, tags=("green", "red"), folder="z", version=2)
    assert await store.delete_links([moved]) == [None]
    assert await labels(store, "tag") == {"red": 1}
    assert await labels(store, "folder") == {"x": 1}


async def test_a_change_that_is_refused_counts_nothing(store: Store) -> None:
    stored = await add(store, "a", tags=("red",), folder="x")
    await store.add_links([link("a", tags=("red", "blue"), folder="y")])
    await store.replace_links([(replace(stored, version=7), replace(stored, tags=(), folder=""))])
    assert await labels(store, "tag") == {"red": 1}
    assert await labels(store, "folder") == {"x": 1}


async def test_pages_of_labels_together_are_all_of_them(store: Store) -> None:
    names = ["Zoo", "a b", "ab", "straße", "x/y", "日本"]
    await add(store, "a", tags=tuple(names))
    found: list[str] = []
    after = ""
    while True:
        page = await store.list_labels(LabelQuery(kind="tag", workspace=1, limit=2, after=after))
        found += [label.name for label in page.items]
        if page.next_after is None:
            break
        after = page.next_after
    assert found == names


async def test_labels_are_searched_whatever_their_case(store: Store) -> None:
    await add(store, "a", tags=("Spring sale", "spring", "summer", "STRASSE"))
    assert await labels(store, "tag", search="SPRING") == {"Spring sale": 1, "spring": 1}
    assert await labels(store, "tag", search="straße") == {"STRASSE": 1}
    assert await labels(store, "tag", search="winter") == {}
    assert await labels(store, "tag", search="\ud800") == {}
    assert await labels(store, "tag", after="\ud800") == {}


async def test_many_links_with_one_label_are_counted_exactly(store: Store) -> None:
    await store.add_links([link(f"l{number}", tags=("all",), folder="f") for number in range(4500)])
    assert await labels(store, "tag") == {"all": 4500}
    assert await labels(store, "folder") == {"f": 4500}
