"""The rules for links: making, finding, changing and deleting them, one by one and many at once."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar, get_args
from urllib.parse import quote

from msgspec import structs

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.errors import (
    InvalidInput,
    LinkBanned,
    LinkChanged,
    LinkNotFound,
    OutOfReach,
    ShortlyError,
    SlugTaken,
)
from shortly.links.attempt import Attempt
from shortly.links.attention import MAX_CONCERNS, Attention, look_over
from shortly.links.checks import LinkChecks
from shortly.links.domains import Domains
from shortly.links.fields import check_fields, check_span
from shortly.links.labels import MAX_LABELS, LabelPage, LabelQuery
from shortly.links.link import Ban, BanStatus, Link, LinkPage, LinkQuery, LinkState
from shortly.links.passwords import Hash, Hashes, hash_apart, hashes_of, take_password
from shortly.links.slug import SlugRules
from shortly.links.store import Got, LinkStore, Wanted
from shortly.links.target import TargetRules

DRAWS = 8
"""Drawn slugs, each a letter longer, before giving up."""
RETRIES = 16
"""Attempts at an edit that names no version and meets another one."""
MAX_PAGE = 500
MAX_SEARCH = 256
MAX_REASON = 1_000

T = TypeVar("T")
Reach = Callable[[Link], bool]
"""Says whether a link is among those that somebody may work with; for them, others do not exist."""
Does = Callable[[Link], bool]
"""Says whether a link that is there already does instead of a new one."""
Entry = tuple[Mapping[str, Any], Does | None]
"""Values of a new link, and what does instead; None: nothing does."""


def everywhere(_: Link) -> bool:
    """Reach all links."""
    return True


class Edit(NamedTuple):
    """One of several edits or deletions; ``version`` None: whatever the link's version is."""

    slug: str
    changes: Mapping[str, Any] = {}
    domain: str | None = None
    version: int | None = None


class LinkService:
    """Everything that the API and the command line do with links.

    Args:
        store: Where links are kept.
        slugs: Which slugs are allowed, and how they are drawn.
        targets: Which targets are allowed.
        domains: The hosts that links live on, and whose they are.
        default_status: Redirect status of links that name none.
        clock: Returns the present moment, aware.
        on_new: Hears of each link that was stored.
        hash_password: Returns the hash to store of a link's password.
        checks: Knows which links are broken; None: nobody asks.
    """

    def __init__(
        self,
        store: LinkStore,
        *,
        slugs: SlugRules,
        targets: TargetRules,
        domains: Domains,
        default_status: int = 302,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_new: Callable[[Link], None] = lambda _: None,
        hash_password: Hash = hash_apart,
        checks: LinkChecks | None = None,
    ) -> None:
        self._store = store
        self._checks = checks
        self._slugs = slugs
        self._targets = targets
        self.domains = domains
        self._default_status = default_status
        self._clock = clock
        self._on_new = on_new
        self._hash_password = hash_password

    # --- making ----------------------------------------------------------------------------------------------

    async def create(self, values: Mapping[str, Any], *, owner: str = "", workspace: int = FIRST_WORKSPACE) -> Link:
        """Store a new link and return it; a drawn slug that is taken is drawn again, longer.

        Args:
            values: ``target``, and optionally ``slug``, ``domain``, ``password`` and any editable field of ``Link``.
            owner: Who makes it.
            workspace: Whose it will be.

        Raises:
            InvalidInput, InvalidTarget, InvalidSlug, UnknownDomain: A value is malformed or out of bounds.
            SlugTaken: The ``slug`` that the caller chose is in use.
        """
        return only(await self.create_many([values], owner=owner, workspace=workspace))

    async def create_many(
        self,
        many: Sequence[Mapping[str, Any]],
        *,
        owner: str = "",
        workspace: int = FIRST_WORKSPACE,
        reach: Reach = everywhere,
        attempt: Attempt | None = None,
    ) -> list[Link | ShortlyError]:
        """Store new links; each place of the answer holds the link, or why that one was refused.

        Args:
            many: See ``create``.
            owner: Who makes them.
            workspace: Whose they will be.
            reach: What they must be within.
            attempt: The request that they are made for, if it may be repeated.
        """
        entries: dict[int, Entry] = {place: (values, None) for place, values in enumerate(many)}
        made = await self._make(entries, owner, workspace, reach, attempt)
        return [one.link if isinstance(one, Got) else one for one in (made[place] for place in entries)]

    async def find_or_create_many(
        self,
        many: Sequence[Mapping[str, Any]],
        *,
        owner: str = "",
        workspace: int = FIRST_WORKSPACE,
        reach: Reach = everywhere,
        attempt: Attempt | None = None,
    ) -> list[Got | ShortlyError]:
        """Return for each entry what ``find`` finds for its target, if that is within reach and has the slug that the
        entry names, if it names one; else a new link, see ``create_many``. However many ask for a target at the same
        moment, one link is made for it."""
        await self._look_up_domains(many)
        answers: dict[int, Got | ShortlyError] = {}
        missing: dict[int, Entry] = {}
        for place, values in enumerate(many):
            does = partial(_does, values=values, reach=reach)
            try:
                if values.get("password") is not None:
                    raise InvalidInput("A link that may be there already cannot get a password.", field="password")
                found = await self.find(values["target"], domain=values.get("domain"), owner=owner, workspace=workspace)
            except ShortlyError as refusal:
                answers[place] = refusal
            else:
                if found is not None and does(found):
                    answers[place] = Got(found, is_new=False)
                else:
                    missing[place] = (values, does)
        if missing:
            answers |= await self._make(missing, owner, workspace, reach, attempt)
        return [answers[place] for place in range(len(many))]

    async def _make(
        self,
        entries: Mapping[int, Entry],
        owner: str,
        workspace: int,
        reach: Reach,
        attempt: Attempt | None,
    ) -> dict[int, Got | ShortlyError]:
        """Store new links, or get those that do as well; all entries say what does, or none."""
        await self._look_up_domains([values for values, _ in entries.values()])
        hashes = await hashes_of([values for values, _ in entries.values()], self._hash_password)
        draws = partial(attempt.draws, attempt.begin()) if attempt else _draws_anew
        answers: dict[int, Got | ShortlyError] = {}
        wanted: dict[int, Link] = {}
        for place, (values, _) in entries.items():
            try:
                below = draws(place, values.get("target"), 0)
                wanted[place] = _within(reach, self._new_link(values, owner, workspace, hashes, below))
            except ShortlyError as refusal:
                answers[place] = refusal
        for longer in range(1, DRAWS + 1):
            stored = await self._store_new([(link, entries[place][1]) for place, link in wanted.items()])
            clashes: dict[int, Link] = {}
            for (place, link), outcome in zip(wanted.items(), stored, strict=True):
                values = entries[place][0]
                drawn = values.get("slug") is None
                if isinstance(outcome, Got):
                    answers[place] = outcome
                    if outcome.is_new:
                        self._on_new(outcome.link)
                elif attempt and (earlier := await self._made_before(attempt, link, drawn=drawn)):
                    answers[place] = Got(earlier, is_new=True)
                elif drawn:
                    clashes[place] = structs.replace(
                        link, slug=self._slugs.draw(longer, draws(place, values.get("target"), longer))
                    )
                elif await self._freed(link, reach):
                    clashes[place] = link
                else:
                    answers[place] = outcome
            if not clashes:
                return answers
            wanted = clashes
        raise RuntimeError(f"{DRAWS} drawn slugs in a row were taken")

    async def _store_new(self, links: Sequence[tuple[Link, Does | None]]) -> list[Got | SlugTaken]:
        wanted = [Wanted(link, does) for link, does in links if does]
        if wanted:
            return await self._store.find_or_add_links(wanted)
        added = await self._store.add_links([link for link, _ in links])
        return [Got(one, is_new=True) if isinstance(one, Link) else one for one in added]

    async def _made_before(self, attempt: Attempt, wanted: Link, *, drawn: bool) -> Link | None:
        """Return the link that an earlier attempt at the request made, if that is what has the slug."""
        holder = await self._store.get_link(wanted.domain, wanted.slug)
        return holder if holder is not None and attempt.made(holder, wanted, drawn=drawn) else None

    def _new_link(
        self,
        values: Mapping[str, Any],
        owner: str,
        workspace: int,
        hashes: Hashes,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> Link:
        given = dict(values)
        stored = take_password(given, hashes)
        slug, domain = given.pop("slug", None), self.domains.open_to(given.pop("domain", None), workspace)
        given.setdefault("status", self._default_status)
        if given.get("target") is None:
            raise InvalidInput("A target is needed.", field="target")
        checked = check_fields(given, self._targets)
        check_span(checked.get("valid_from"), checked.get("expires_at"))
        now = self._now()
        return Link(
            slug=self._slugs.draw(0, below) if slug is None else self._slugs.check(slug),
            domain=domain,
            owner=owner,
            workspace=workspace,
            created_at=now,
            updated_at=now,
            **checked,
            **stored,
        )

    async def check_many(
        self,
        many: Sequence[Mapping[str, Any]],
        *,
        owner: str = "",
        workspace: int = FIRST_WORKSPACE,
        reach: Reach = everywhere,
    ) -> list[Link | ShortlyError]:
        """Return what ``create_many`` would now, without storing anything; a drawn slug is none that will be."""
        await self._look_up_domains(many)
        answers: list[Link | ShortlyError] = []
        for values in many:
            try:
                link = _within(reach, self._new_link(values, owner, workspace, hashes={}))
                if values.get("slug") is not None and await self._store.get_link(link.domain, link.slug) is not None:
                    raise SlugTaken(link.slug)
                answers.append(link)
            except ShortlyError as refusal:
                answers.append(refusal)
        return answers

    async def find(
        self, target: str, *, domain: str | None = None, owner: str = "", workspace: int = FIRST_WORKSPACE
    ) -> Link | None:
        """Return the owner's oldest plain link of the workspace to this target (normalised first), to be reused."""
        return await self._store.find_link(self.domain_of(domain), self._targets.normalise(target), owner, workspace)

    # --- reading ---------------------------------------------------------------------------------------------

    async def get(self, slug: str, *, domain: str | None = None, reach: Reach = everywhere) -> Link:
        """Return the link that has this slug or alias, or raise ``LinkNotFound``."""
        link = await self._store.get_link(self.domain_of(domain), slug)
        if link is None or link.deleted_at is not None or not reach(link):
            raise LinkNotFound(slug[:128])
        return link

    async def get_many(self, link_ids: Sequence[int], *, reach: Reach = everywhere) -> dict[int, Link]:
        """Return links by their ids; those that are deleted, gone or out of reach are missing."""
        found = await self._store.get_links(link_ids)
        return {link_id: link for link_id, link in found.items() if link.deleted_at is None and reach(link)}

    async def list_links(self, query: LinkQuery) -> LinkPage:
        """Return one page of links; ``query.domain`` is a host, or empty for the one of ``BASE_URL``.

        Raises:
            InvalidInput: ``limit`` is not within 1 and ``MAX_PAGE``, or the search text is too long.
            InvalidCursor: The cursor is not one of this list's.
        """
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be a whole number from 1 to {MAX_PAGE}.", field="limit")
        if len(query.search) > MAX_SEARCH:
            raise InvalidInput(f"The search text is longer than {MAX_SEARCH} characters.", field="search")
        if query.domain is not None:
            query = structs.replace(query, domain=self.domain_of(query.domain))
        return await self._store.list_links(query)

    async def list_labels(self, query: LabelQuery) -> LabelPage:
        """Return one page of the tags or folders of a workspace.

        Raises:
            InvalidInput: ``limit`` is not within 1 and ``MAX_LABELS``, or the search text is too long.
        """
        if not 1 <= query.limit <= MAX_LABELS:
            raise InvalidInput(f"The limit must be a whole number from 1 to {MAX_LABELS}.", field="limit")
        if len(query.search) > MAX_SEARCH:
            raise InvalidInput(f"The search text is longer than {MAX_SEARCH} characters.", field="search")
        return await self._store.list_labels(query)

    async def attention(self, workspace: int, *, limit: int, reach: Reach | None = None) -> Attention:
        """Return what the people of a workspace should look at.

        Args:
            workspace: Which.
            limit: Links of each trouble, 1 to ``MAX_CONCERNS``.
            reach: Which links exist for whoever asks, if these are not all of the workspace.

        Raises:
            InvalidInput: The limit is another one.
        """
        if not 1 <= limit <= MAX_CONCERNS:
            raise InvalidInput(f"The limit must be a whole number from 1 to {MAX_CONCERNS}.", field="limit")
        within, everything = reach or everywhere, reach is None
        return await look_over(
            self._store, self._checks, workspace, limit=limit, reach=within, everything=everything, now=self._now()
        )

    async def is_free(self, slug: str, *, domain: str | None = None, reach: Reach = everywhere) -> bool:
        """Say whether a link could have this slug now; one point read, and no promise for later.

        So it could when a deleted link within reach has it, which goes for good then.

        Raises:
            InvalidSlug, ReservedSlug, UnknownDomain: None could.
        """
        holder = await self._store.get_link(self.domain_of(domain), self._slugs.check(slug))
        return holder is None or (holder.deleted_at is not None and reach(holder))

    async def has_any(self, workspace: int) -> bool:
        """Say whether a workspace has any links, archived ones too."""
        return await self._has_any(LinkQuery(workspace=workspace, now=self._now()))

    async def has_any_on(self, domain: str) -> bool:
        """Say whether any links live on a domain, archived ones too, whosever they are."""
        return await self._has_any(LinkQuery(domain=domain, now=self._now()))

    async def _has_any(self, query: LinkQuery) -> bool:
        states: tuple[LinkState | None, ...] = (None, "archived")
        for state in states:
            page = LinkPage([], "")
            while not page.items and page.next_cursor is not None:
                wanted = structs.replace(query, state=state, limit=MAX_PAGE, cursor=page.next_cursor or None)
                page = await self._store.list_links(wanted)
            if page.items:
                return True
        return False

    def is_blocked(self, link: Link) -> bool:
        """Say whether a host that the link leads to is on a blocklist by now."""
        return any(self._targets.is_blocked(target) for target in (link.target, link.fallback_target) if target)

    # --- changing --------------------------------------------------------------------------------------------

    async def edit(
        self,
        slug: str,
        changes: Mapping[str, Any],
        *,
        domain: str | None = None,
        version: int | None = None,
        reach: Reach = everywhere,
    ) -> Link:
        """Change a link and return it as it is now; a new ``slug`` leaves the old one as an alias.

        Args:
            slug: The link's slug or an alias.
            changes: Editable fields with their new values, and ``password``: text, or None for none any more.
            domain: The link's domain.
            version: The version that the caller read; None: change whatever is there.
            reach: What may be changed, and what it may become.

        Raises:
            LinkNotFound: There is no such link within reach.
            OutOfReach: It would no longer be within reach.
            LinkChanged: Its version is another one; nothing was written.
            InvalidInput, InvalidTarget, InvalidSlug, SlugTaken: A new value is refused.
        """
        return only(await self.edit_many([Edit(slug, changes, domain, version)], reach=reach))

    async def edit_many(self, edits: Sequence[Edit], *, reach: Reach = everywhere) -> list[Link | ShortlyError]:
        """Change links; each place of the answer holds the link as it is now, or why that edit was refused."""

        hashes = await hashes_of([edit.changes for edit in edits], self._hash_password)

        async def step(edit: Edit) -> tuple[Link, Link]:
            old = await self._read_for(edit, reach)
            return old, _within(reach, self._changed(old, edit.changes, hashes))

        return await self._rewrite(edits, step, reach)

    async def _rewrite(
        self, edits: Sequence[Edit], step: Callable[[Edit], Awaitable[tuple[Link, Link]]], reach: Reach
    ) -> list[Link | ShortlyError]:
        """Replace links as ``step`` says, which returns each as it is and as it shall be; again if others were quicker,
        unless the edit names a version, and if a deleted link gave the slug up."""
        answers: list[Link | ShortlyError] = [LinkChanged(edit.slug[:128]) for edit in edits]
        waiting = list(range(len(edits)))
        for _ in range(RETRIES):
            pairs: list[tuple[Link, Link]] = []
            places: list[int] = []
            for place in waiting:
                try:
                    pair = await step(edits[place])
                except ShortlyError as refusal:
                    answers[place] = refusal
                else:
                    pairs.append(pair)
                    places.append(place)
            outcomes = await self._store.replace_links(pairs) if pairs else []
            waiting = []
            for place, (_, new), outcome in zip(places, pairs, outcomes, strict=True):
                answers[place] = outcome
                lost = isinstance(outcome, LinkChanged) and edits[place].version is None
                if lost or (isinstance(outcome, SlugTaken) and await self._freed(new, reach)):
                    waiting.append(place)
            if not waiting:
                break
        return answers

    async def _freed(self, wanted: Link, reach: Reach) -> bool:
        """Make a deleted link give up the slug that another one shall have; False: its holder is not one, or out of
        reach."""
        holder = await self._store.get_link(wanted.domain, wanted.slug)
        if holder is None:
            return True
        if holder.deleted_at is None or holder.workspace != wanted.workspace or not reach(holder):
            return False
        return await self._store.delete_links([holder]) == [None]

    async def delete(
        self, slug: str, *, domain: str | None = None, version: int | None = None, reach: Reach = everywhere
    ) -> None:
        """Delete a link; arguments and errors as for ``edit``. It can be restored for a while."""
        only(await self.delete_many([Edit(slug, {}, domain, version)], reach=reach))

    async def delete_many(
        self,
        edits: Sequence[Edit],
        *,
        reach: Reach = everywhere,
        banned: bool = True,
        attempt: Attempt | None = None,
    ) -> list[Link | ShortlyError]:
        """Delete links; each place of the answer holds the link that was deleted, or why that one was not.

        They lead nowhere and are in no list from now on. The store keeps them, and their slugs for them, until the
        drain's housekeeping removes them, or a link of the same workspace is to have one of the slugs.
        Without ``banned``, banned links stay: whoever could delete them could make them anew.
        What an earlier ``attempt`` at the same request deleted is among the deleted ones.
        """

        async def step(edit: Edit) -> tuple[Link, Link]:
            link = await self._read_for(edit, reach)
            if attempt is not None and not attempt.means(link):
                raise LinkNotFound(edit.slug[:128])
            if link.ban is not None and not banned:
                raise LinkBanned(link.slug)
            return link, structs.replace(link, deleted_at=self._now())

        answers = await self._rewrite(edits, step, reach)
        return answers if attempt is None else await self._with_earlier(edits, answers, reach, attempt)

    async def _with_earlier(
        self, edits: Sequence[Edit], answers: Sequence[Link | ShortlyError], reach: Reach, attempt: Attempt
    ) -> list[Link | ShortlyError]:
        """Return the answers to deletions with the links that an earlier attempt deleted in their places."""
        for answer in answers:
            if isinstance(answer, Link):
                attempt.note_deleted(answer)
        completed = list(answers)
        for place, (edit, answer) in enumerate(zip(edits, answers, strict=True)):
            if isinstance(answer, LinkNotFound):
                holder = await self._store.get_link(self.domain_of(edit.domain), edit.slug)
                if holder is not None and reach(holder) and attempt.deleted(holder, edit.version):
                    attempt.note_deleted(holder)
                    completed[place] = holder
        return completed

    async def restore_many(self, edits: Sequence[Edit], *, reach: Reach = everywhere) -> list[Link | ShortlyError]:
        """Take deletions back; each place of the answer holds the link, with its id, counts and all that it had, or
        ``LinkNotFound``: no deleted link has this slug, or not any more."""

        async def step(edit: Edit) -> tuple[Link, Link]:
            link = await self._store.get_link(self.domain_of(edit.domain), edit.slug)
            if link is None or link.deleted_at is None or not reach(link):
                raise LinkNotFound(edit.slug[:128])
            return link, structs.replace(link, deleted_at=None, updated_at=max(self._now(), link.updated_at))

        return await self._rewrite(edits, step, reach)

    async def _read_for(self, edit: Edit, reach: Reach) -> Link:
        link = await self.get(edit.slug, domain=edit.domain, reach=reach)
        if edit.version is not None and edit.version != link.version:
            raise LinkChanged(edit.slug)
        return link

    def _changed(self, link: Link, changes: Mapping[str, Any], hashes: Hashes) -> Link:
        given = dict(changes)
        stored = take_password(given, hashes)
        slug = given.pop("slug", link.slug)
        if "target" in given and given["target"] is None:
            raise InvalidInput("A target is needed.", field="target")
        checked = check_fields(given, self._targets)
        if slug != link.slug:
            checked["slug"] = self._slugs.check(slug)
        changed = structs.replace(link, **checked, **stored, updated_at=max(self._now(), link.updated_at))
        check_span(changed.valid_from, changed.expires_at)
        return changed

    # --- banning ---------------------------------------------------------------------------------------------

    async def ban(
        self,
        slug: str,
        *,
        status: BanStatus,
        reason: str,
        by: str,
        domain: str | None = None,
        reach: Reach = everywhere,
    ) -> Link:
        """Let a link lead nowhere, whatever its own people do, and return it; one that is banned is banned anew.

        Args:
            slug: The link's slug or an alias.
            status: What visitors get.
            reason: For people; empty, or up to ``MAX_REASON`` characters.
            by: Who decides so.
            domain: The link's domain.
            reach: What may be banned.

        Raises:
            LinkNotFound: There is no such link within reach.
            InvalidInput: The status is another one, or the reason too long or not printable.
        """
        if status not in get_args(BanStatus):
            raise InvalidInput("The status must be 410 or 451.", field="status")
        reason = reason.strip()
        if len(reason) > MAX_REASON or not all(one.isprintable() or one == "\n" for one in reason):
            raise InvalidInput(f"The reason must be at most {MAX_REASON} printable characters.", field="reason")
        return await self._set_ban(slug, Ban(status=status, reason=reason, at=self._now(), by=by), domain, reach)

    async def unban(self, slug: str, *, domain: str | None = None, reach: Reach = everywhere) -> Link:
        """Lift a ban and return the link; one that is not banned stays as it is."""
        return await self._set_ban(slug, None, domain, reach)

    async def _set_ban(self, slug: str, ban: Ban | None, domain: str | None, reach: Reach) -> Link:
        for _ in range(RETRIES):
            old = await self.get(slug, domain=domain, reach=reach)
            if old.ban is None and ban is None:
                return old
            new = structs.replace(old, ban=ban, updated_at=max(self._now(), old.updated_at))
            (outcome,) = await self._store.replace_links([(old, new)])
            if not isinstance(outcome, LinkChanged):
                return only([outcome])
        raise LinkChanged(slug[:128])

    # --- domains ---------------------------------------------------------------------------------------------

    def domain_of(self, host: str | None) -> str:
        """Return the domain that a host (None or "": the default) stands for, or raise ``UnknownDomain``."""
        return self.domains.domain_of(host)

    async def _look_up_domains(self, many: Sequence[Mapping[str, Any]]) -> None:
        """Learn whose the domains are by now, which another process may have decided a moment ago."""
        if any(values.get("domain") for values in many):
            await self.domains.refresh()

    def short_url(self, link: Link, base_url: str) -> str:
        """Return the link's full address; links of further domains have the scheme of ``base_url``."""
        return self.url_of(link.domain, link.slug, base_url)

    def url_of(self, domain: str, slug: str, base_url: str) -> str:
        """Return the full address of a slug."""
        root = f"{base_url.partition('://')[0]}://{domain}" if domain else base_url
        return f"{root}/{quote(slug)}"

    def _now(self) -> datetime:
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _draws_anew(*_: object) -> Callable[[int], int]:
    """Return what slugs are drawn by for a request that is made once."""
    return secrets.randbelow


def _does(found: Link, values: Mapping[str, Any], reach: Reach) -> bool:
    """Say whether a link to the target does for somebody who gave these values."""
    return reach(found) and values.get("slug") in (None, found.slug, *found.aliases)


def _within(reach: Reach, link: Link) -> Link:
    """Return the link, or raise ``OutOfReach``."""
    if not reach(link):
        raise OutOfReach
    return link


def only(answers: Sequence[T | ShortlyError]) -> T:
    """Return the one answer, or raise it."""
    (answer,) = answers
    if isinstance(answer, ShortlyError):
        raise answer
    return answer
