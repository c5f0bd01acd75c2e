"""Every route says whom it is for."""

from collections.abc import Iterator

from fastapi.routing import RouteContext, iter_route_contexts
from tests.api.served import Served

from shortly.api.access import Needs, NeedsThere, open_to_everybody, open_to_the_known
from shortly.api.authentication import PROTECTED, PUBLIC, PUBLIC_POSTS, PUBLIC_READS

DOCUMENT = "/openapi.json"


def declared(route: RouteContext) -> list[object]:
    """Return what the route says about its callers."""
    calls = [dependency.dependency for dependency in route.dependencies]
    found: list[object] = [one for one in calls if isinstance(one, Needs | NeedsThere)]
    return found or [one for one in calls if one in (open_to_everybody, open_to_the_known)]


def routes(served: Served) -> Iterator[RouteContext]:
    for route in iter_route_contexts(served.app.routes):
        if route.path_format != DOCUMENT:
            yield route


def test_every_route_declares_one_permission_or_that_it_is_public(shared: Served) -> None:
    assert len(list(routes(shared))) > 50
    for route in routes(shared):
        assert len(declared(route)) == 1, f"{route.methods} {route.path_format} needs needs(...), known or public"


def test_what_is_public_is_what_strangers_are_let_through_to(shared: Served) -> None:
    public = [route for route in routes(shared) if declared(route) == [open_to_everybody]]
    guarded = [route for route in public if route.path_format and route.path_format.split("/")[1] in PROTECTED]
    assert {route.path_format for route in guarded} == PUBLIC | PUBLIC_POSTS | PUBLIC_READS
    assert all(route.methods == {"POST"} for route in guarded if route.path_format in PUBLIC_POSTS)
    assert all(route.methods == {"GET"} for route in guarded if route.path_format in PUBLIC_READS)


def test_addresses_of_a_workspace_ask_whether_the_caller_is_in_it(shared: Served) -> None:
    for route in routes(shared):
        assert route.path_format
        if "{workspace_id}" in route.path_format:
            assert all(isinstance(one, NeedsThere) for one in declared(route)), route.path_format


def test_reading_asks_for_no_permission_to_write_and_changing_for_none_to_read(shared: Served) -> None:
    for route in routes(shared):
        (one,) = declared(route)
        permission = getattr(one, "permission", None) or ""
        assert route.methods
        if route.methods <= {"GET", "HEAD"}:
            assert not permission.endswith(":write"), route.path_format
        elif permission != "installation":
            assert not permission.endswith(":read"), route.path_format
