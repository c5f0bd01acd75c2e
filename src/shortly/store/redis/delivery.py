"""Calls on their way to the servers: which have an outcome, and where the others go next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shortly.errors import StorageFull, StoreUnavailable
from shortly.store.redis.node import Node
from shortly.store.redis.scripts import Command, Script
from shortly.store.redis.wire import Refusal

REDIRECTED = frozenset({"MOVED", "ASK"})
PASSING = frozenset({"TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "READONLY", "NOREPLICAS", "NOSCRIPT", "BUSY"})
"""The server ran nothing, and may run it soon, or another server may."""
FULL = frozenset({"OOM"})
AWAY = frozenset({"NOAUTH", "WRONGPASS", "NOPERM", "MISCONF", "UNKILLABLE"})
"""The server runs nothing until somebody looks after it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command, by the key that says who runs it."""

    key: str
    command: Command
    script: Script | None = None


class Delivery:
    """Several calls, each with an outcome of its own: a reply, or an exception to raise."""

    def __init__(self, calls: Sequence[Call], *, wait: Command | None, repeatable: bool) -> None:
        """``wait`` follows them on each connection; ``repeatable``: running one twice does no harm."""
        self.outcomes: list[Any] = [StoreUnavailable() for _ in calls]
        """Until a call has another outcome, time may run out for it."""
        self.due: dict[int, Node | None] = dict.fromkeys(range(len(calls)))
        """Calls without an outcome, and who is to run them if it is not the key's owner."""
        self._calls = calls
        self._wait = wait
        self._repeatable = repeatable
        self._asking: set[int] = set()

    def groups(self, owner_of: Callable[[str], Node | None]) -> dict[Node, list[int]]:
        """Return what is due by node, in order; what nobody has is in none."""
        groups: dict[Node, list[int]] = defaultdict(list)
        for index, named in self.due.items():
            node = named or owner_of(self._calls[index].key)
            if node is not None:
                groups[node].append(index)
        return groups

    def commands(self, node: Node, indices: list[int]) -> tuple[list[Command], list[int]]:
        """Return what to send to the node, and the place of each call's reply."""
        scripts = {call.script.sha: call.script for index in indices if (call := self._calls[index]).script is not None}
        commands: list[Command] = [
            ("SCRIPT", "LOAD", script.text) for sha, script in scripts.items() if sha not in node.loaded
        ]
        places = []
        for index in indices:
            if index in self._asking:
                commands.append(("ASKING",))
            places.append(len(commands))
            commands.append(self._calls[index].command)
        if self._wait is not None:
            commands.append(self._wait)
        return commands, places

    def lose(self, indices: list[int], *, sent: bool) -> None:
        """Note that a connection broke; what the server may have run is not run again."""
        for index in indices:
            self.due[index] = None
            if sent and not self._repeatable:
                del self.due[index]

    def take(self, node: Node, indices: list[int], places: list[int], replies: list[Any]) -> Refusal | None:
        """Note the replies; return what is wrong with the node, if something is."""
        trouble = None
        kept = self._is_kept(replies)
        if not kept:
            trouble = Refusal("WAIT", "too few replicas have what was written")
        for index, place in zip(indices, places, strict=True):
            reply = replies[place]
            script = self._calls[index].script
            if not isinstance(reply, Refusal):
                if script is not None:
                    node.loaded.add(script.sha)
                self._settle(index, reply if kept else StoreUnavailable())
            elif reply.kind in REDIRECTED:
                continue
            elif reply.kind == "NOSCRIPT" and script is not None:
                self.due[index] = None
                node.loaded.discard(script.sha)
            elif reply.kind in PASSING:
                self.due[index] = None
                trouble = reply
            else:
                self._settle(index, error_of(reply))
                trouble = reply if reply.kind in AWAY else trouble
        return trouble

    def redirect(
        self, indices: list[int], places: list[int], replies: list[Any], to: Callable[[Refusal], Node]
    ) -> bool:
        """Send on what another node has; True when a slot has moved for good."""
        moved = False
        for index, place in zip(indices, places, strict=True):
            reply = replies[place]
            self._asking.discard(index)
            if isinstance(reply, Refusal) and reply.kind in REDIRECTED:
                self.due[index] = to(reply)
                if reply.kind == "ASK":
                    self._asking.add(index)
                else:
                    moved = True
        return moved

    def _settle(self, index: int, outcome: Any) -> None:
        self.outcomes[index] = outcome
        del self.due[index]

    def _is_kept(self, replies: list[Any]) -> bool:
        """Return whether as many servers have everything as was asked for."""
        if self._wait is None:
            return True
        if isinstance(replies[-1], Refusal):
            return False
        counts = replies[-1] if isinstance(replies[-1], list) else [replies[-1]]
        return all(count >= int(least) for count, least in zip(counts, self._wait[1:-1], strict=True))


def error_of(refusal: Refusal) -> Exception:
    """Return what to raise for a refusal that trying again does not help."""
    if refusal.kind in FULL or (refusal.kind == "MISCONF" and "No space" in refusal.text):
        return StorageFull()
    if refusal.kind in AWAY:
        return StoreUnavailable()
    return RuntimeError(f"Redis refused a command: {refusal.kind} {refusal.text}"[:500])  # a mistake of ours
