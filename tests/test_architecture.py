"""Imports point one way, along the data's way; these tests walk them and hold it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent / "src" / "shortly"

DOMAINS = {"redirect", "stats", "clicks", "links", "accounts", "abuse", "branding"}
WIRING_PARTS = (
    "wiring",
    "backup",
    "first_start",
    "drainer",
    "blocklists",
    "checker",
    "front",
    "behind",
    "later",
    "service",
    "app",
    "supervised",
    "supervisor",
    "worker",
    "serve",
    "cli",
)
"""Where things are put together; ``app`` and ``cli`` are the doors."""
EVERYTHING = {
    "errors",
    "cells",
    "redis_address",
    "settings",
    "outbound",
    "counters",
    "logs",
    "effective_settings",
    "store",
    "api",
    *DOMAINS,
    *WIRING_PARTS,
}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "cells": set(),
    "redis_address": set(),
    "outbound": {"errors", "links"},
    "settings": {"errors", "redis_address", "outbound"},
    "counters": set(),
    "logs": set(),
    "effective_settings": {"settings", "logs"},
    "accounts": {"errors"},
    "links": {"errors", "cells", "accounts"},
    "branding": {"errors", "accounts"},
    "clicks": {"errors", "counters", "accounts"},
    "stats": {"errors", "cells", "accounts", "clicks", "links"},
    "abuse": {"errors", "redis_address", "links", "accounts"},
    "redirect": {"errors", "clicks", "links", "counters", "branding"},
    "store": {"errors", "settings", "redis_address", "clicks", "links", "accounts"},
    "api": {"errors", "settings", "effective_settings", "counters", "outbound", *DOMAINS},
    **dict.fromkeys(WIRING_PARTS, EVERYTHING),
}
"""Part (first name below ``shortly``) -> the other parts that it may import."""

MAY_OPEN_STORES = {"store", *WIRING_PARTS}
MAY_ASK_OTHER_SERVERS = {"outbound"}
CLIENTS = {
    "httpx2",
    "httpcore2",
    "httpx",
    "httpcore",
    "requests",
    "aiohttp",
    "urllib3",
    "urllib.request",
    "http.client",
}
CLIENTS |= {"ftplib", "telnetlib", "xmlrpc", "websockets", "authlib.integrations", "jwt", "socket"}
"""What can send a request to another server."""
CONNECTING = {"create_connection", "open_connection", "sock_connect", "connect_tcp", "open_unix_connection"}
MAY_CONNECT = ("shortly.store.redis", "shortly.accounts.mail")
"""Modules that speak Redis or SMTP, to servers that the operator names, and nothing that a user chooses."""
MAY_IMPORT_FASTAPI = {"api"}
WEB_FRAMEWORK = {"fastapi", "starlette", "fastapi_offline"}
HEAVY = {*WEB_FRAMEWORK, "pydantic", "pydantic_settings", "ua_parser", "ua_parser_rs", "typer"}
WIRING = {"Settings", "load_settings", "open_store", "create_app"}
BEHIND = {"fastapi", "starlette", "limits", "argon2", "joserfc", "webauthn", "OpenSSL", "httpx2", "httpcore2"}
"""What only that needs which stands behind the redirect."""
VAGUE = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"}


class Module(NamedTuple):
    """One source file."""

    name: str
    part: str
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Yield the dotted names that it imports, inside functions and for type checkers too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name} imports relatively"
                assert node.module is not None
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def read_modules() -> list[Module]:
    modules = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names = parts[:-1] if parts[-1] == "__init__" else parts
        if names:  # shortly/__init__.py holds the version alone
            name = ".".join(("shortly", *names))
            modules.append(Module(name, names[0], ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return modules


MODULES = read_modules()
EACH_MODULE = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def runs_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that an import of the module runs, leaving out the insides of functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from runs_at_import(node)


@EACH_MODULE
def test_a_part_imports_only_what_lies_before_it_on_the_data_s_way(module: Module) -> None:
    assert module.part in MAY_IMPORT, f"{module.part} is a new part: say in MAY_IMPORT what it may import"
    wrong = {
        name
        for name in module.imports()
        if name.startswith("shortly.")
        and name.split(".")[1] not in {module.part, "__version__", *MAY_IMPORT[module.part]}
    }
    assert not wrong, f"{module.name} must not import {wrong}"


@EACH_MODULE
def test_engines_are_imported_only_where_things_are_wired(module: Module) -> None:
    if module.part not in MAY_OPEN_STORES:
        assert not [name for name in module.imports() if name.startswith(("shortly.store.", "apsw"))]


@EACH_MODULE
def test_the_web_framework_stays_in_the_api(module: Module) -> None:
    if module.part not in MAY_IMPORT_FASTAPI:
        assert not WEB_FRAMEWORK.intersection(name.split(".")[0] for name in module.imports())


@EACH_MODULE
def test_only_the_guarded_client_asks_other_servers(module: Module) -> None:
    if module.part in MAY_ASK_OTHER_SERVERS or module.name.startswith(MAY_CONNECT):
        return
    used = {name for name in module.imports() if any(f"{name}.".startswith(f"{client}.") for client in CLIENTS)}
    assert not used, f"{module.name} must go through shortly.outbound instead of {used}"
    calls = {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    assert not CONNECTING & calls, f"{module.name} opens connections by itself"


@EACH_MODULE
def test_the_redirect_imports_nothing_heavy(module: Module) -> None:
    if module.part == "redirect":
        assert not HEAVY.intersection(name.split(".")[0] for name in module.imports())


@EACH_MODULE
def test_nothing_is_wired_by_an_import(module: Module) -> None:
    calls = (node for node in runs_at_import(module.tree) if isinstance(node, ast.Call))
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id in WIRING]


@EACH_MODULE
def test_modules_are_named_after_what_they_hold(module: Module) -> None:
    assert not VAGUE.intersection(module.name.split("."))


def test_a_process_that_only_redirects_never_loads_what_is_heavy() -> None:
    redirect = [module.name for module in MODULES if module.part == "redirect"]
    assert redirect
    program = f"import sys, {', '.join(redirect)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "shortly" in loaded
    assert not HEAVY.intersection(loaded)


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("shortly.worker", {*BEHIND, "redis", "ua_parser", "typer", "shortly.clicks.drain"}),
        ("shortly.serve", {"redis", *BEHIND} - {"argon2"}),
        ("shortly.behind", {"redis", "webauthn", "OpenSSL", "ua_parser", "typer", "httpx2", "httpcore2"}),
        ("shortly.cli.entry", {"typer", "shortly.cli.main"}),  # as ``serve``'s workers do, which are spawned
    ],
)
def test_a_process_starts_without_what_it_may_never_need(module: str, unneeded: set[str]) -> None:
    program = f"import sys, {module}; from shortly.settings import load_settings; load_settings(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert module in loaded
    assert not unneeded.intersection(loaded)


def test_each_part_of_the_map_exists() -> None:
    assert {module.part for module in MODULES} >= {"errors", "settings", "store", *DOMAINS}
