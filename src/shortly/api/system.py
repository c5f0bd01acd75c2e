"""How the installation does, for who looks after it: this node's processes and disk, the store, and the settings."""

from __future__ import annotations

import asyncio
import platform
import shutil
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from shortly import __version__
from shortly.api.access import needs
from shortly.api.problems import problems
from shortly.api.services import AllServices, Services
from shortly.effective_settings import effective
from shortly.errors import Forbidden, ShortlyError

router = APIRouter(prefix="/api/v1/system", tags=["operations"], dependencies=[needs("installation")])

DEADLINE_S = 2.0
DATABASES = ("links.db", "clicks.db")


class StoreStatus(BaseModel):
    """How the store does."""

    kind: Literal["sqlite", "redis"]
    status: Literal["ok", "unavailable"]
    answers_in_ms: float | None = Field(description="How long it took to write and read; null: it did not answer.")
    warnings: list[str] = Field(description="What about the servers may lose data.")


class JournalStatusOut(BaseModel):
    """How the click journal of this node does."""

    status: Literal["ok", "refusing"] = Field(description="refusing: clicks are dropped for want of room.")
    lag_s: float = Field(description="Age of the oldest click that is not counted yet.")
    lag_bytes: int = Field(description="Journal that is not counted yet.")
    bytes: int = Field(description="What the journal takes on the disk.")
    max_bytes: int
    clicks_written: int
    clicks_folded: int
    clicks_dropped: int = Field(description="Clicks that found no room, since the counters began.")
    clicks_corrupt: int
    drains: int = Field(description="Processes that count clicks; 0: nobody does.")


class DiskStatus(BaseModel):
    """The disk that DATA_DIR is on."""

    free_bytes: int
    total_bytes: int
    database_bytes: int | None = Field(description="Files of the databases; null: the store is not in DATA_DIR.")


class BackupStatus(BaseModel):
    """The backups in the first place where they are kept, looked at twice a minute at most."""

    status: Literal["ok", "late", "none", "unreadable"] = Field(
        description="late: the newest is older than ALERT_BACKUP_HOURS; unreadable: their place does not answer."
    )
    count: int
    bytes: int = Field(description="All of them together.")
    newest_at: datetime | None
    newest_bytes: int
    encrypted: bool = Field(description="The newest one is.")
    changes: Literal["kept", "late", "none"] = Field(
        description="Whether 'shortly backup follow' keeps each change; late: behind by more than ALERT_FOLLOW_MINUTES."
    )
    changes_until: datetime | None = Field(description="Every change before is kept; null: nobody ever kept any.")


class SystemStatus(BaseModel):
    """How the node that answered does, and what it runs."""

    version: str
    python: str
    now: datetime
    started_at: datetime = Field(description="When the worker that answered started.")
    uptime_s: int
    workers: int = Field(description="HTTP workers of this node that are running.")
    workers_wanted: int
    store: StoreStatus
    journal: JournalStatusOut
    disk: DiskStatus | None = Field(description="null: it cannot be read.")
    backups: BackupStatus


class SettingOut(BaseModel):
    """A setting in effect."""

    name: str = Field(examples=["BASE_URL"])
    value: Any = Field(description="Secrets are masked.")
    source: Literal["variable", "file", "default"]


class SettingList(BaseModel):
    """All settings in effect."""

    items: list[SettingOut]


@router.get("", operation_id="get_system", responses=problems(Forbidden))
async def get_system(services: AllServices) -> SystemStatus:
    """Say how this node, its journal, its disk and the store do."""
    settings, now = services.settings, services.clock()
    store, disk, journal_bytes, backups = await asyncio.gather(
        status_of_store(services),
        asyncio.to_thread(status_of_disk, settings.data_dir, in_files=settings.redis_address is None),
        asyncio.to_thread(bytes_below, settings.journal_dir),
        services.backups_known(),
    )
    counts = services.read_counters()
    return SystemStatus(
        version=__version__,
        python=platform.python_version(),
        now=now,
        started_at=services.started_at,
        uptime_s=int((now - services.started_at).total_seconds()),
        workers=counts.get("workers_running", 0),
        workers_wanted=settings.workers,
        store=store,
        journal=JournalStatusOut(
            status="refusing" if services.journal_status().refusing else "ok",
            lag_s=counts.get("drain_lag_ms", 0) / 1000,
            lag_bytes=counts.get("drain_lag_bytes", 0),
            bytes=journal_bytes,
            max_bytes=settings.journal_max_mb << 20,
            clicks_written=counts.get("clicks_written", 0),
            clicks_folded=counts.get("clicks_folded", 0),
            clicks_dropped=counts.get("clicks_dropped", 0),
            clicks_corrupt=counts.get("clicks_corrupt", 0),
            drains=counts.get("drain_running", 0),
        ),
        disk=disk,
        backups=BackupStatus(**asdict(backups)),
    )


@router.get("/settings", operation_id="list_settings", responses=problems(Forbidden))
async def list_settings(services: AllServices) -> SettingList:
    """List the settings in effect and where each came from; secrets are masked."""
    return SettingList(
        items=[
            SettingOut.model_validate({"name": one.name, "value": one.value, "source": one.source})
            for one in effective(services.settings)
        ]
    )


async def status_of_store(services: Services) -> StoreStatus:
    """Ask the store to write and read, and what worries it."""
    kind: Literal["sqlite", "redis"] = "sqlite" if services.settings.redis_address is None else "redis"
    began = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE_S):
            await services.store.ping()
            took_ms = round((time.monotonic() - began) * 1000, 2)
            warnings = await services.store.warnings()
    except (ShortlyError, TimeoutError):
        return StoreStatus(kind=kind, status="unavailable", answers_in_ms=None, warnings=[])
    return StoreStatus(kind=kind, status="ok", answers_in_ms=took_ms, warnings=warnings)


def status_of_disk(data_dir: Path, *, in_files: bool) -> DiskStatus | None:
    """Return how full the disk is, or None when nobody can say."""
    try:
        usage = shutil.disk_usage(data_dir)
    except OSError:
        return None
    files = (data_dir / f"{name}{ending}" for name in DATABASES for ending in ("", "-wal", "-shm"))
    databases = sum(map(bytes_of, files)) if in_files else None
    return DiskStatus(free_bytes=usage.free, total_bytes=usage.total, database_bytes=databases)


def bytes_below(folder: Path) -> int:
    """Return what the files below a folder take."""
    return sum(map(bytes_of, folder.rglob("*.seg")))


def bytes_of(path: Path) -> int:
    """Return what a file takes; nothing when it is gone by now."""
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0
