"""Every setting: an environment variable with a plain name, or a file that its ``NAME_FILE`` twin points at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from shortly.errors import InvalidSettings

FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "file", "vbscript", "blob", "about", "view-source", "filesystem"})
CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Frozen and validated; a bad value stops the start with one sentence that names the variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, env_ignore_empty=True)

    # Serving
    base_url: str = Field(
        "http://localhost:8000", description="Public address of this installation; short links start with it."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="HTTP worker processes; one a core.")
    trusted_proxies: CommaList = Field(
        (), description="Networks (CIDR, comma-separated) whose X-Forwarded-For and country header are believed."
    )
    extra_domains: CommaList = Field((), description="Further hosts (comma-separated) that have slugs of their own.")
    root_redirect: str | None = Field(None, description="Where / leads; unset: a start page.")
    max_body_mb: int = Field(8, ge=1, le=1024, description="Largest request body, in MiB.")

    # Data
    data_dir: Path = Field(Path("data"), description="Folder of the databases and the click journal.")
    store_url: str | None = Field(None, description="Where links and clicks are kept; unset: SQLite in DATA_DIR.")
    cache_links: int = Field(
        50_000, ge=0, le=10_000_000, description="Links that each worker remembers, about 1 KiB each."
    )
    journal_sync_ms: int = Field(
        1000,
        ge=0,
        le=60_000,
        description="Clicks at risk when the host loses power, in milliseconds; 0: none, answers wait for the disk.",
    )
    journal_segment_mb: int = Field(4, ge=1, le=1024, description="Size of a click journal segment, in MiB.")
    journal_max_mb: int = Field(
        1024, ge=8, description="Largest click journal of this node, in MiB; clicks beyond are refused, and counted."
    )
    visit_retention_days: int = Field(90, ge=0, le=3650, description="Days that raw visits are kept; 0: only counts.")
    deleted_retention_days: int = Field(
        30, ge=0, le=3650, description="Days that the counts of a deleted link are kept."
    )

    # Links
    slug_length: int = Field(7, ge=4, le=32, description="Length of drawn slugs.")
    unicode_slugs: bool = Field(False, description="Allow letters of any script and emoji in slugs.")
    multi_segment_slugs: bool = Field(False, description="Allow slugs such as docs/start.")
    case_insensitive_slugs: bool = Field(
        False, description="Treat Abc and abc as the same slug; fixed at the first start."
    )
    target_schemes: CommaList = Field(
        ("http", "https"), description="URL schemes that targets may have (comma-separated)."
    )
    target_credentials: bool = Field(False, description="Allow user:password@ in targets.")
    default_status: Literal[301, 302, 307, 308] = Field(
        302, description="HTTP status of redirects whose link names none."
    )

    # Visitors
    geoip_path: Path | None = Field(
        None, description="MaxMind-format (.mmdb) database for countries, regions and cities."
    )
    country_header: str | None = Field(
        None, description="Header in which a trusted proxy names the visitor's country, such as CF-IPCountry."
    )
    honour_dnt: bool = Field(False, description="Keep nothing but the count of visitors who send DNT: 1 or Sec-GPC: 1.")

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least important messages to log."
    )
    log_format: Literal["console", "json"] = Field("console", description="Form of the log lines.")

    @field_validator("trusted_proxies", "extra_domains", "target_schemes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("default_status", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            raise ValueError("must be http(s)://host, with a port if need be, and nothing after it")
        return value.rstrip("/").lower()

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("extra_domains")
    @classmethod
    def _check_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower() for host in value)
        for host in hosts:
            parts = urlsplit(f"//{host}")
            if parts.netloc != host or not parts.hostname or "@" in host:
                raise ValueError(f"{host!r} is not a host name")
        return hosts

    @field_validator("target_schemes")
    @classmethod
    def _check_schemes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        schemes = tuple(scheme.lower().removesuffix(":") for scheme in value)
        if bad := FORBIDDEN_SCHEMES.intersection(schemes):
            raise ValueError(f"{sorted(bad)[0]!r} can never be allowed")
        return schemes

    @field_validator("store_url")
    @classmethod
    def _check_store_url(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("this version has the embedded store only; leave it unset")
        return value

    @cached_property
    def base_host(self) -> str:
        """Host of ``base_url``, with its port where that is not the scheme's own."""
        return urlsplit(self.base_url).netloc

    @cached_property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``trusted_proxies``, parsed."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)

    @cached_property
    def journal_dir(self) -> Path:
        """Folder of the click journal, on the same disk as the data."""
        return self.data_dir / "journal"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then variables, then the files that ``_FILE`` variables name."""
        return init_settings, env_settings, FileTwins(settings_cls)


class FileTwins(PydanticBaseSettingsSource):
    """Reads ``NAME`` from the file that ``NAME_FILE`` names, for Docker and Kubernetes secrets."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used; ``__call__`` reads all fields."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Return the values of all twins that are set."""
        values = {}
        for name in self.settings_cls.model_fields:
            path = os.environ.get(f"{name.upper()}_FILE")
            if path:
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError):
                    raise InvalidSettings(f"{name.upper()}_FILE: the file {path!r} cannot be read.") from None
        return values


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        InvalidSettings: One is missing or bad; the sentence names the variable.
    """
    try:
        return Settings(**(overrides or {}))
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise InvalidSettings(f"{name}: {first['msg'].removeprefix('Value error, ')}.") from None
