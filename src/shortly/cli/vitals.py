"""What ``healthcheck`` looks at: a running installation, as its visitors and its operator feel it."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from shortly.backup.following.status import ask, is_late
from shortly.backup.mark import is_ours, refuse_lost
from shortly.backup.noted import ask_store, may_be_elsewhere, noted_of
from shortly.backup.service import backups_of
from shortly.cli.checks import Check
from shortly.counters import ENDED_UNASKED, read_counters
from shortly.errors import BackupsLost, ShortlyError
from shortly.outbound.certificate import expiry_of
from shortly.outbound.client import Limits, Outbound
from shortly.outbound.rules import OutboundRules
from shortly.settings import Settings

LIMITS = Limits(deadline_s=10, redirects=0)


async def check_answer(settings: Settings, url: str) -> AsyncIterator[Check]:
    """Ask how the installation does, and look how long its answer takes."""
    outbound = Outbound(OutboundRules(ports=None, private=True))
    began = time.perf_counter()
    try:
        answer = await outbound.get(f"{url.rstrip('/')}/health", limits=LIMITS)
    except ShortlyError as failure:
        yield Check("health", "problem", str(failure), "Is Shortly running, and the proxy? Look into their logs.")
        return
    took_ms = (time.perf_counter() - began) * 1000
    if answer.status == 200:
        yield Check("health", "ok", "The installation says that it is well.")
    else:
        yield Check(
            "health",
            "problem",
            f"/health answered {answer.status}.",
            "Run 'shortly doctor' beside it, and look into the log.",
        )
    message = f"The answer took {took_ms:.0f} ms."
    if took_ms > settings.alert_latency_ms:
        yield Check("latency", "problem", message, "Look at the load of the machine, of its disk and of the store.")
    else:
        yield Check("latency", "ok", message)


async def check_certificate(settings: Settings, url: str) -> AsyncIterator[Check]:
    """Look how long the certificate is good for; nothing where there is none."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return
    advice = "Renew it: look into the log of whatever renews certificates here."
    try:
        until = await expiry_of(parts.hostname, parts.port or 443, OutboundRules(ports=None, private=True))
    except ShortlyError as failure:
        yield Check("certificate", "problem", str(failure), advice)
        return
    days = (until - datetime.now(UTC)).days
    message = f"Good until {until:%Y-%m-%d}, for {days} days."
    if days < settings.alert_certificate_days:
        yield Check("certificate", "problem", message, advice)
    else:
        yield Check("certificate", "ok", message)


def check_room(settings: Settings) -> Iterator[Check]:
    """Look how full the disk is."""
    usage = shutil.disk_usage(settings.data_dir)
    percent = 100 * usage.used / (usage.used + usage.free)
    message = f"{percent:.0f} % of the disk of {str(settings.data_dir)!r} are taken."
    if percent > settings.alert_disk_percent:
        yield Check("disk", "problem", message, "Make room: old *.bak files, logs, VISIT_RETENTION_DAYS.")
    else:
        yield Check("disk", "ok", message)


def check_restarts(settings: Settings, before: Memory) -> Iterator[Check]:
    """Look whether workers, or a whole service, ended unasked since the last check that nobody has to hear of."""
    counts = read_counters(settings.counters_dir)
    workers, services = counts["workers_restarted"] - before.restarts, counts[ENDED_UNASKED] - before.ended
    if workers > 0:
        yield Check(
            "restarts",
            "problem",
            f"{workers} workers ended unasked and were replaced since the last alert was due.",
            "Look for 'a worker ended unasked' in the log, and for the kernel running out of memory.",
        )
    if services > 0:
        yield Check(
            "restarts",
            "problem",
            f"{services} times the whole service ended without having been told to since the last alert was due.",
            "Look whether process, container or machine were killed, or were out of memory, and at the end of the log.",
        )
    if workers <= 0 and services <= 0:
        yield Check("restarts", "ok", "No worker ended unasked, and the service neither.")


def check_lag(settings: Settings) -> Iterator[Check]:
    """Look whether clicks are being counted."""
    counts = read_counters(settings.counters_dir)
    lag_s = counts["drain_lag_ms"] / 1000
    if not counts["drain_running"]:
        yield Check("journal", "problem", "Nothing counts clicks: the drain is off.", "Start 'shortly serve'.")
    elif lag_s > settings.alert_lag_s:
        yield Check(
            "journal",
            "problem",
            f"The oldest click has been waiting for {lag_s:.0f} s to be counted.",
            "Look into the log for what keeps the drain from folding.",
        )
    else:
        yield Check("journal", "ok", f"Clicks are counted after {lag_s:.0f} s.")


async def check_backups(settings: Settings) -> AsyncIterator[Check]:
    """Look how old the newest backup is, or ask the store where its place cannot be seen; nothing when nobody asked."""
    if not settings.alert_backup_hours:
        return
    if lost := list(check_place(settings)):
        yield lost[0]
        return
    advice = "Run 'shortly backup create', and look why the timer did not; ALERT_BACKUP_HOURS=0 if others make them."
    newest_at = noted_of(backups_of(settings).cards()).newest_at
    if newest_at is None and may_be_elsewhere(settings) and (noted := await ask_store(settings)) is not None:
        newest_at = noted.newest_at
    if newest_at is None:
        yield Check("backup", "problem", "There is no backup.", advice)
        return
    hours = (datetime.now(UTC) - newest_at).total_seconds() / 3600
    message = f"The newest one is {hours:.0f} hours old."
    if hours > settings.alert_backup_hours:
        yield Check("backup", "problem", message, advice)
    else:
        yield Check("backup", "ok", message)


def check_place(settings: Settings) -> Iterator[Check]:
    """Look whether the folder of backups is the one that they were put into; nothing where none were from here."""
    if not is_ours(settings):
        return
    try:
        refuse_lost(settings)
    except BackupsLost as lost:
        yield Check("backup", "problem", str(lost), "Mount its disk, or restore the folder; newer backups lie beside.")


def check_changes(settings: Settings) -> Iterator[Check]:
    """Look whether each change is being kept; nothing where nobody ever began to."""
    followed = ask(settings.data_dir)
    if followed is None or not settings.alert_follow_minutes or settings.redis_address is not None:
        return
    kept = followed.kept_until
    until = "nothing is kept yet" if kept is None else f"all before {kept:%Y-%m-%d %H:%M} UTC is"
    if not is_late(followed, settings):
        yield Check("changes", "ok", f"Each change is kept: {until}.")
    elif followed.running:
        yield Check(
            "changes",
            "problem",
            f"Changes are not being kept: {until}{f' ({followed.refusal})' if followed.refusal else ''}.",
            "Look into the log of 'shortly backup follow'.",
        )
    else:
        yield Check(
            "changes",
            "problem",
            f"Nobody keeps changes any more: {until}.",
            "Start 'shortly backup follow', or remove DATA_DIR/follow if it is not wanted.",
        )


class Memory(msgspec.Struct, frozen=True):
    """What one check leaves for the next."""

    healthy: bool = True
    restarts: int = 0
    """Of workers, ever, when it looked."""
    ended: int = 0
    """How often a whole service ended unasked, ever."""


def recall(settings: Settings) -> Memory:
    """Return what the last check left; a blank one where there is none that could be read."""
    try:
        return msgspec.json.decode((settings.data_dir / "healthcheck.json").read_bytes(), type=Memory)
    except (OSError, msgspec.DecodeError):
        return Memory()


def remember(settings: Settings, healthy: bool) -> None:
    """Leave word for the next check, or raise ``OSError``."""
    counts = read_counters(settings.counters_dir)
    beside = settings.data_dir / "healthcheck.json.new"
    beside.write_bytes(msgspec.json.encode(Memory(healthy, counts["workers_restarted"], counts[ENDED_UNASKED])))
    beside.replace(settings.data_dir / "healthcheck.json")
