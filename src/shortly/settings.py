"""Every setting: an environment variable with a plain name, or a file that its ``NAME_FILE`` twin points at."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import Url
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from shortly.errors import InvalidSettings
from shortly.outbound.rules import PORTS, parse_allowed
from shortly.redis_address import PORT, Address, Tls, parse_address

FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "file", "vbscript", "blob", "about", "view-source", "filesystem"})
MIN_SECRET = 32
CommaList = Annotated[tuple[str, ...], NoDecode]
FileList = Annotated[tuple[Path, ...], NoDecode]
PortList = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode]


class Settings(BaseSettings):
    """Frozen and validated; a bad value stops the start with one sentence that names the variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, env_ignore_empty=True)

    # Serving
    base_url: str = Field(
        "http://localhost:8000",
        description="Public address of this installation; short links start with it. Unset: localhost with PORT.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="HTTP worker processes; one a core.")
    trusted_proxies: CommaList = Field(
        (), description="Networks (CIDR, comma-separated) whose X-Forwarded-For and country header are believed."
    )
    extra_domains: CommaList = Field((), description="Further hosts (comma-separated) that have slugs of their own.")
    allowed_hosts: CommaList = Field(
        (),
        description="Further host names (comma-separated) under which the API and the pages answer, such as a "
        "service's name inside a cluster. Those of BASE_URL and EXTRA_DOMAINS, localhost and literal addresses need "
        "not be named.",
    )
    cors_origins: CommaList = Field(
        (), description="Origins (comma-separated, such as https://app.example) whose scripts may use the API."
    )
    hsts_seconds: int = Field(
        31_536_000,
        ge=0,
        le=126_144_000,
        description="How long browsers are to insist on https where BASE_URL has it, in seconds; 0: not told.",
    )
    hsts_subdomains: bool = Field(False, description="Browsers are to insist on https for all subdomains, too.")
    root_redirect: str | None = Field(None, description="Where / leads; unset: a start page.")
    max_body_mb: int = Field(8, ge=1, le=1024, description="Largest request body, in MiB.")

    # Data
    data_dir: Path = Field(Path("data"), description="Folder of the databases and the click journal.")
    store_url: str | None = Field(
        None,
        repr=False,
        description="Redis or Valkey to keep links and clicks in: redis://, rediss:// (TLS), unix://, "
        "redis+sentinel://host,host/name or redis+cluster://host,host. Unset: SQLite in DATA_DIR.",
    )
    redis_host: str | None = Field(None, description="Redis server, instead of STORE_URL.")
    redis_port: int = Field(PORT, ge=1, le=65535, description="Port of REDIS_HOST.")
    redis_db: int = Field(0, ge=0, le=99_999, description="Number of the database on REDIS_HOST.")
    redis_username: str | None = Field(None, description="Redis user, where the URL names none.")
    redis_password: SecretStr | None = Field(None, description="Redis password, where the URL has none.")
    redis_tls: bool = Field(False, description="Reach REDIS_HOST by TLS.")
    redis_tls_ca: Path | None = Field(
        None, description="Certificate authorities (PEM) to trust for TLS; unset: those of this machine."
    )
    redis_tls_cert: Path | None = Field(None, description="Client certificate (PEM) for TLS.")
    redis_tls_key: Path | None = Field(None, description="Key (PEM) of REDIS_TLS_CERT.")
    redis_wait_replicas: int = Field(
        0, ge=0, le=5, description="Replicas that must have a link or an edit before it is acknowledged."
    )
    redis_wait_ms: int = Field(
        1000, ge=10, le=4000, description="How long to wait for them, in milliseconds; then the edit is refused."
    )
    redis_wait_fsync: bool = Field(
        False,
        description="Acknowledge only what is in the append-only files on disk, of the primary and of those replicas "
        "(WAITAOF: Redis 7.2, Valkey); takes up to a second where the servers write them every second.",
    )
    cache_stale_s: int = Field(
        300,
        ge=0,
        le=86_400,
        description="How long remembered links go on redirecting while Redis is away, in seconds.",
    )
    cache_links: int = Field(
        100_000, ge=0, le=10_000_000, description="Links that each worker remembers, about 1 KiB each."
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
    restore_hours: int = Field(
        24, ge=1, le=8760, description="Hours that a deleted link can be restored; its slug is kept for it."
    )
    audit_retention_days: int = Field(365, ge=1, le=3650, description="Days that entries of the audit log are kept.")

    # Backups
    backup_to: str | None = Field(
        None, description="Where backups are kept: a folder, or s3://bucket/prefix. Unset: backups in DATA_DIR."
    )
    backup_copy_to: str | None = Field(
        None, description="Where a copy of each backup is kept, too, such as a bucket in another region."
    )
    backup_copy_region: str | None = Field(None, max_length=64, description="Region of the bucket of BACKUP_COPY_TO.")
    backup_encrypt_to: CommaList = Field(
        (),
        description="Public keys (age1..., comma-separated) that backups are encrypted to; the secret keys are needed "
        "to restore them, and nowhere else.",
    )
    backup_keep_daily: int = Field(7, ge=0, le=3650, description="Days whose newest backup is kept.")
    backup_keep_weekly: int = Field(4, ge=0, le=520, description="Weeks whose newest backup is kept.")
    backup_keep_monthly: int = Field(12, ge=0, le=120, description="Months whose newest backup is kept.")
    backup_follow_step_s: int = Field(
        1, ge=1, le=3600, description="Seconds between two moments that 'shortly backup follow' keeps."
    )
    backup_follow_ship_s: int = Field(
        30, ge=1, le=3600, description="Seconds after which what changed is brought to BACKUP_TO."
    )
    backup_follow_base_hours: int = Field(
        24, ge=1, le=720, description="Hours after which whole databases are kept anew, for changes to add to."
    )
    backup_follow_keep_days: int = Field(
        7, ge=1, le=3650, description="Days back to which each moment can be restored."
    )
    backup_s3_endpoint: str | None = Field(
        None, description="Address of a server that speaks S3; unset: AWS in BACKUP_S3_REGION."
    )
    backup_s3_region: str | None = Field(None, max_length=64, description="Region of the bucket of BACKUP_TO.")
    backup_s3_access_key_id: str | None = Field(
        None, max_length=256, description="Key for buckets; unset: as AWS tools find one (AWS_*, the machine's role)."
    )
    backup_s3_secret_access_key: SecretStr | None = Field(None, description="Secret of BACKUP_S3_ACCESS_KEY_ID.")

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

    # Abuse
    limit_sign_in: str = Field(
        "10/minute",
        description="Sign-ins that one address (IPv6: one /64) may try, such as 10/minute or 10/minute;60/hour; "
        "off: any number.",
    )
    limit_account: str = Field(
        "30/hour",
        description="Sign-ins to one account that one network (IPv4: a /24, IPv6: a /48), or one device that came in "
        "before, may try.",
    )
    limit_strangers: str = Field(
        "300/hour",
        description="Sign-ins to one account that all devices together may try which never came in with it.",
    )
    limit_recovery: str = Field(
        "5/minute", description="Password resets, first set-ups and accepted invitations that one address may try."
    )
    limit_create: str = Field(
        "1200/minute", description="Requests by which one key or user, and one address, may make links."
    )
    limit_anonymous: str = Field("10/hour", description="Links that one address may make without a key.")
    limit_report: str = Field("10/hour", description="Reports of abuse that one address may send.")
    limit_page: str = Field(
        "300/minute", description="Previews of links and forms for reports that one address may ask for."
    )
    limit_qr: str = Field("60/minute", description="Public QR codes of links that one address may have drawn.")
    limit_check: str = Field(
        "30/minute", description="Checks of a link's target that one key or user may ask for by hand."
    )
    limit_unlock: str = Field(
        "30/minute", description="Passwords of links, right and wrong ones, that one address may send."
    )
    limit_unlock_link: str = Field(
        "30/hour",
        description="Wrong passwords for one link that one network (IPv4: a /24, IPv6: a /48) may send.",
    )
    limit_unlock_crowd: str = Field(
        "300/hour",
        description="Wrong passwords for one link that all networks together may send; beyond, each has its first "
        "three.",
    )
    unlock_minutes: int = Field(
        15,
        ge=1,
        le=1440,
        description="How long a browser in which a link's password was given opens the link without being asked again.",
    )

    # People
    jwt_secret: SecretStr | None = Field(
        None,
        description="Signs sessions and encrypts second factors; 32 characters or more, or NEW,OLD while it is "
        "changed. Unset: made at the first start and kept in DATA_DIR; needed by several replicas on Redis.",
    )
    admin_email: str | None = Field(None, description="First admin's e-mail address, at the first start only.")
    admin_password: SecretStr | None = Field(None, description="First admin's password, at the first start only.")
    session_days: int = Field(14, ge=1, le=90, description="Days after which a session ends that is not used.")
    require_second_factor: Literal["off", "admins", "all"] = Field(
        "off", description="Who may do nothing but set one up without a second factor: nobody, admins, or everybody."
    )
    smtp_host: str | None = Field(None, description="Mail server; unset: no mail is sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of SMTP_HOST.")
    smtp_username: str | None = Field(None, description="User of the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password of SMTP_USERNAME.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the mail server is reached: STARTTLS, TLS from the start (port 465), or neither."
    )
    mail_from: str | None = Field(None, description="Sender of mails, such as Shortly <links@example.com>.")
    anonymous_create: bool = Field(False, description="Let strangers make links: a target alone, few, and for a time.")
    anonymous_expiry_days: int = Field(30, ge=1, le=3650, description="Days after which links of strangers expire.")
    blocked_by_url: str | None = Field(
        None, description="Page about whoever blocks links for legal reasons, for the Link header of 451 answers."
    )
    oidc_issuer: str | None = Field(
        None,
        description="OpenID Connect provider that people sign in with, as it calls itself, such as "
        "https://id.example/realms/team; https, but for localhost.",
    )
    oidc_client_id: str | None = Field(None, description="What the provider knows this installation by.")
    oidc_client_secret: SecretStr | None = Field(None, description="Proof of that; unset: a public client, with PKCE.")
    oidc_scopes: str = Field(
        "openid profile email", max_length=500, description="What the provider is asked for, separated by spaces."
    )
    oidc_name: str = Field("OpenID Connect", min_length=1, max_length=40, description="Name on the sign-in button.")
    oidc_groups_claim: str = Field(
        "groups",
        min_length=1,
        max_length=200,
        description="Claim that holds a person's groups; a path such as realm_access.roles finds inner ones.",
    )
    oidc_roles: CommaList = Field(
        (),
        description="Roles that groups stand for (comma-separated): group=role or group=role@workspace, with the roles "
        "viewer, editor, admin and installation; the group * is everybody. Brought up to date at each sign-in.",
    )
    oidc_create_users: bool = Field(True, description="Whoever the provider lets in becomes a user.")
    oidc_link_by_email: bool = Field(
        False,
        description="Whoever has the verified e-mail address of a user who never came in by the provider is that user.",
    )
    oidc_require_verified_email: bool = Field(
        True, description="Nobody becomes a user unless the provider has verified their e-mail address."
    )
    trusted_header_user: str | None = Field(
        None,
        description="Header in which a proxy that signs people in tells their e-mail address, such as "
        "X-Forwarded-Email; unset: none is believed.",
    )
    trusted_header_name: str | None = Field(None, description="Header with their name.")
    trusted_header_groups: str | None = Field(
        None, description="Header with their groups, separated by commas or by |."
    )
    trusted_header_proxies: CommaList = Field(
        (), description="Networks (CIDR, comma-separated) of that proxy: connections from there alone are believed."
    )
    trusted_header_roles: CommaList = Field((), description="Roles that groups stand for, as OIDC_ROLES.")
    trusted_header_create_users: bool = Field(True, description="Whoever the proxy lets in becomes a user.")
    blocklist_files: FileList = Field(
        (), description="Lists of hosts (comma-separated files) that no link may lead to; read anew when they change."
    )
    blocklist_urls: CommaList = Field((), description="Such lists to download (comma-separated http(s) URLs).")
    blocklist_refresh_h: int = Field(24, ge=1, le=720, description="How often to download them, in hours.")
    blocklist_allow: CommaList = Field(
        (), description="Hosts (comma-separated) that links may lead to although a list has them or a domain above."
    )

    # Visitors
    geoip_path: Path | None = Field(
        None, description="MaxMind-format (.mmdb) database for countries, regions and cities."
    )
    country_header: str | None = Field(
        None, description="Header in which a trusted proxy names the visitor's country, such as CF-IPCountry."
    )
    honour_dnt: bool = Field(False, description="Keep nothing but the count of visitors who send DNT: 1 or Sec-GPC: 1.")

    # Requests to other servers
    fetch_titles: bool = Field(
        False,
        description="Fetch the title of the target page for new links that have none; its server then hears of the "
        "link before any visitor.",
    )
    link_check_days: int = Field(
        7, ge=0, le=365, description="Days between two checks whether a link's target still answers; 0: never."
    )
    link_checks_per_minute: int = Field(60, ge=1, le=600, description="Targets asked by these checks in a minute.")
    outbound_allow: CommaList = Field(
        (),
        description="Networks (CIDR) and host names (comma-separated) inside that Shortly may send requests to; "
        "public servers need not be named.",
    )
    outbound_ports: PortList = Field(
        PORTS, description="Ports of other servers (comma-separated) that Shortly may send requests to."
    )

    # Alerts
    alert_webhook_url: SecretStr | None = Field(
        None, description="Where 'shortly healthcheck --alert' posts what is wrong, as JSON; chat services take it."
    )
    alert_email: str | None = Field(None, description="Whom it mails that to; needs SMTP_HOST.")
    alert_latency_ms: int = Field(2000, ge=1, le=60_000, description="An answer that takes longer is a problem.")
    alert_certificate_days: int = Field(
        14, ge=0, le=365, description="Days before its certificate ends from which on that is a problem."
    )
    alert_disk_percent: int = Field(85, ge=1, le=100, description="A disk of DATA_DIR that is fuller is a problem.")
    alert_backup_hours: int = Field(
        26, ge=0, le=8760, description="A newest backup that is older is a problem; 0: backups are not looked at."
    )
    alert_follow_minutes: int = Field(
        10,
        ge=0,
        le=1440,
        description="Changes that 'shortly backup follow' has not kept for longer are a problem, once it was started; "
        "0: it is not looked at.",
    )
    alert_lag_s: int = Field(60, ge=1, le=86_400, description="Clicks that wait longer to be counted are a problem.")

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least important messages to log."
    )
    log_format: Literal["console", "json"] = Field("console", description="Form of the log lines.")

    @model_validator(mode="before")
    @classmethod
    def _follow_port(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Let short links of an installation that was told only its port lead to that port."""
        port = str(values.get("port", ""))
        if not values.get("base_url") and len(port) <= 5 and port.isdecimal() and 1 <= int(port) <= 65535:
            values = {**values, "base_url": f"http://localhost:{int(port)}"}
        return values

    @field_validator("redis_port", mode="before")
    @classmethod
    def _port_of_service(cls, value: object) -> object:
        """Take the number of ``tcp://10.0.0.1:6379``, which Kubernetes sets for a service of the name redis."""
        found = re.fullmatch(r"tcp://[^/]{1,255}:([0-9]{1,5})", value) if isinstance(value, str) else None
        return found[1] if found else value

    @field_validator(
        "trusted_proxies",
        "extra_domains",
        "allowed_hosts",
        "cors_origins",
        "target_schemes",
        "outbound_allow",
        "outbound_ports",
        "blocklist_files",
        "blocklist_urls",
        "blocklist_allow",
        "oidc_roles",
        "trusted_header_proxies",
        "trusted_header_roles",
        "backup_encrypt_to",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level", "log_format", "smtp_tls", "require_second_factor", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("default_status", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        form = "must be http(s)://host, with a port if need be, and nothing after it"
        url = _parsed(value, form)
        if url.scheme not in ("http", "https") or url.path != "/" or url.query is not None or url.fragment is not None:
            raise ValueError(form)
        return f"{url.scheme}://{_host_of(url, form)}"

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("extra_domains", "allowed_hosts")
    @classmethod
    def _check_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = []
        for host in value:
            form = f"{host[:80]!r} is not a host name"
            url = _parsed(f"http://{host}", form)
            if url.path != "/" or url.query is not None or url.fragment is not None or "*" in host:
                raise ValueError(form)
            hosts.append(_host_of(url, form))
        return tuple(hosts)

    @field_validator("target_schemes")
    @classmethod
    def _check_schemes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        schemes = tuple(scheme.lower().removesuffix(":") for scheme in value)
        if not schemes:
            raise ValueError("must name at least one scheme")
        for scheme in schemes:
            if not re.fullmatch(r"[a-z][a-z0-9+.-]{0,31}", scheme):
                raise ValueError(f"{scheme[:80]!r} is not a URL scheme")
        if bad := FORBIDDEN_SCHEMES.intersection(schemes):
            raise ValueError(f"{sorted(bad)[0]!r} can never be allowed")
        return schemes

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            form = f"{origin[:80]!r} is not an origin such as https://app.example, in lower case and without a path"
            url = _parsed(origin, form)
            if (
                url.scheme not in ("http", "https")
                or "*" in origin
                or origin != f"{url.scheme}://{_host_of(url, form)}"
            ):
                raise ValueError(form)
        return value

    @field_validator("outbound_allow")
    @classmethod
    def _check_outbound_allow(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            parse_allowed(entry)
        return value

    @field_validator("root_redirect", "blocked_by_url")
    @classmethod
    def _check_root_redirect(cls, value: str | None) -> str | None:
        if value is None:
            return None
        form = "must be an absolute http(s) URL"
        url = _parsed(value, form)
        if url.scheme not in ("http", "https") or not str(url).isascii() or not str(url).isprintable():
            raise ValueError(form)
        return str(url)

    @field_validator(
        "limit_sign_in",
        "limit_account",
        "limit_strangers",
        "limit_recovery",
        "limit_create",
        "limit_anonymous",
        "limit_report",
        "limit_page",
        "limit_qr",
        "limit_check",
        "limit_unlock",
        "limit_unlock_link",
        "limit_unlock_crowd",
    )
    @classmethod
    def _check_limit(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name is not None and value == cls.model_fields[info.field_name].default:
            return value  # without the library, which takes a tenth of a second of every command
        from limits import parse_many

        value = value.strip().lower()
        if value in ("", "off"):
            return ""
        form = "must be a number for a time, such as 10/minute or 10/minute;60/hour, or off"
        try:
            rules = parse_many(value) if len(value) <= 100 else []
        except ValueError:
            raise ValueError(form) from None
        if not rules or any(rule.amount > 10**9 or not 1 <= rule.multiples <= 1000 for rule in rules):
            raise ValueError(form)
        return value

    @field_validator("blocklist_files")
    @classmethod
    def _check_blocklist_files(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for path in value:
            if not path.is_file() or not os.access(path, os.R_OK):
                raise ValueError(f"the file {str(path)[:255]!r} cannot be read")
        return value

    @field_validator("backup_to", "backup_copy_to")
    @classmethod
    def _check_backup_place(cls, value: str | None) -> str | None:
        form = "must be a folder, or s3://bucket/prefix without a password"
        if (
            value is not None
            and "://" in value
            and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,62}(/[^\s?#@]*)?", value)
        ):
            raise ValueError(form)
        if value is not None and not value.isprintable():
            raise ValueError(form)
        return value

    @field_validator("backup_encrypt_to")
    @classmethod
    def _check_recipients(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"age1[a-z0-9]{58}", key) for key in value):
            raise ValueError("must be age public keys (age1...), separated by commas")
        return value

    @field_validator("backup_s3_endpoint")
    @classmethod
    def _check_backup_endpoint(cls, value: str | None) -> str | None:
        form = "must be an absolute http(s) URL"
        if value is not None and _parsed(value, form).scheme not in ("http", "https"):
            raise ValueError(form)
        return value

    @field_validator("alert_webhook_url")
    @classmethod
    def _check_alert_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        form = "must be an absolute http(s) URL"
        if value is not None and _parsed(value.get_secret_value(), form).scheme not in ("http", "https"):
            raise ValueError(form)
        return value

    @field_validator("blocklist_urls")
    @classmethod
    def _check_blocklist_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        form = "must be absolute http(s) URLs, separated by commas"
        for url in value:
            if _parsed(url, form).scheme not in ("http", "https"):
                raise ValueError(form)
        return value

    @field_validator("blocklist_allow")
    @classmethod
    def _check_blocklist_allow(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _parsed(f"http://{host}", f"{host[:80]!r} is not a host name").host:
                raise ValueError(f"{host[:80]!r} is not a host name")
        return value

    @field_validator("country_header")
    @classmethod
    def _check_country_header(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
            raise ValueError("must be the name of a header, such as CF-IPCountry")
        return value

    @field_validator("store_url")
    @classmethod
    def _check_store_url(cls, value: str | None) -> str | None:
        if value is not None:
            parse_address(value)
        return value

    @field_validator("redis_host")
    @classmethod
    def _check_redis_host(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", value):
            raise ValueError("must be one host name or IP address; STORE_URL can name several")
        return value

    @field_validator("redis_tls_ca", "redis_tls_cert", "redis_tls_key")
    @classmethod
    def _check_tls_file(cls, value: Path | None) -> Path | None:
        if value is not None and not os.access(value, os.R_OK):
            raise ValueError(f"the file {str(value)[:255]!r} cannot be read")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _check_jwt_secret(cls, value: SecretStr | None) -> SecretStr | None:
        values = () if value is None else _parts(value)
        if len(values) > 2:
            raise ValueError("must be one secret, or NEW,OLD")
        if any(len(part) < MIN_SECRET for part in values):
            raise ValueError(f"must have at least {MIN_SECRET} characters")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _check_smtp_host(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", value):
            raise ValueError("must be one host name or IP address")
        return value

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, value: str | None) -> str | None:
        form = r"(?:[^<>@\",;:\\]{1,64} )?<?[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,190}>?"
        if value is not None and (not value.isprintable() or not re.fullmatch(form, value)):
            raise ValueError("must be an e-mail address, or a name and <address>")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _check_oidc_issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        form = "must be an absolute https URL without a query"
        url = _parsed(value, form)
        local = url.scheme == "http" and url.host in ("localhost", "127.0.0.1", "[::1]")
        if (url.scheme != "https" and not local) or url.query is not None or url.fragment is not None:
            raise ValueError(form)
        _host_of(url, form)
        return value

    @field_validator("oidc_scopes")
    @classmethod
    def _check_oidc_scopes(cls, value: str) -> str:
        scopes = value.split()
        if "openid" not in scopes or not all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", scope) for scope in scopes):
            raise ValueError("must be scopes separated by spaces, openid among them")
        return " ".join(scopes)

    @field_validator("oidc_roles", "trusted_header_roles")
    @classmethod
    def _check_group_roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if not re.fullmatch(r".{1,200}=\s*(installation|(viewer|editor|admin)(@[1-9][0-9]{0,4})?)", entry):
                raise ValueError(
                    f"{entry[:80]!r} is not group=role or group=role@workspace, where role is viewer, editor, admin "
                    "or installation"
                )
        return value

    @field_validator("trusted_header_user", "trusted_header_name", "trusted_header_groups")
    @classmethod
    def _check_trusted_header(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
            raise ValueError("must be the name of a header, such as X-Forwarded-Email")
        return value

    @field_validator("trusted_header_proxies")
    @classmethod
    def _check_header_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            if ip_network(network, strict=False).prefixlen == 0:
                raise ValueError(f"{network!r} would let anybody sign in as anybody")
        return value

    @model_validator(mode="after")
    def _check_identities(self) -> Self:
        if self.oidc_issuer is not None and self.oidc_client_id is None:
            raise ValueError("OIDC_CLIENT_ID: is missing beside OIDC_ISSUER")
        if self.oidc_issuer is None:
            for name in ("oidc_client_id", "oidc_client_secret", "oidc_roles"):
                if getattr(self, name):
                    raise ValueError(f"{name.upper()}: means nothing without OIDC_ISSUER")
        if self.trusted_header_user is not None and not self.trusted_header_proxies:
            raise ValueError(
                "TRUSTED_HEADER_PROXIES: must name the proxy beside TRUSTED_HEADER_USER, or anybody could be anybody"
            )
        if self.trusted_header_user is None:
            for name in (
                "trusted_header_name",
                "trusted_header_groups",
                "trusted_header_proxies",
                "trusted_header_roles",
            ):
                if getattr(self, name):
                    raise ValueError(f"{name.upper()}: means nothing without TRUSTED_HEADER_USER")
        return self

    @model_validator(mode="after")
    def _check_people(self) -> Self:
        for here, there in (
            ("admin_email", "admin_password"),
            ("admin_password", "admin_email"),
            ("backup_s3_access_key_id", "backup_s3_secret_access_key"),
            ("backup_s3_secret_access_key", "backup_s3_access_key_id"),
            ("smtp_host", "mail_from"),
            ("alert_email", "smtp_host"),
            ("smtp_username", "smtp_password"),
            ("smtp_username", "smtp_host"),
            ("smtp_password", "smtp_username"),
        ):
            if getattr(self, here) is not None and getattr(self, there) is None:
                raise ValueError(f"{there.upper()}: is missing beside {here.upper()}")
        return self

    @model_validator(mode="after")
    def _check_redis(self) -> Self:
        address = self.redis_address
        if self.redis_host is not None and self.store_url is not None:
            raise ValueError("REDIS_HOST: STORE_URL is set, too; only one of them may say where the data is")
        if address is None:
            for name in ("redis_username", "redis_password", "redis_tls"):
                if getattr(self, name):
                    raise ValueError(f"{name.upper()}: means nothing without REDIS_HOST or STORE_URL")
            return self
        if self.redis_tls and address.tls is None:
            raise ValueError("REDIS_TLS: STORE_URL must begin with rediss to have TLS")
        if address.username and not address.password:
            raise ValueError("REDIS_PASSWORD: is missing for the user that is named")
        if address.tls and (address.tls.cert is None) != (address.tls.key is None):
            raise ValueError("REDIS_TLS_CERT: the client certificate and its key go together")
        return self

    @model_validator(mode="after")
    def _check_journal(self) -> Self:
        if self.workers * self.journal_segment_mb > self.journal_max_mb:
            raise ValueError("JOURNAL_MAX_MB: must hold a segment (JOURNAL_SEGMENT_MB) for each of the WORKERS")
        return self

    @cached_property
    def base_host(self) -> str:
        """Host of ``base_url``, with its port where that is not the scheme's own."""
        return urlsplit(self.base_url).netloc

    @cached_property
    def strict_transport(self) -> str:
        """``Strict-Transport-Security``, or empty where it would be wrong."""
        if not self.base_url.startswith("https://") or not self.hsts_seconds:
            return ""
        return f"max-age={self.hsts_seconds}" + ("; includeSubDomains" if self.hsts_subdomains else "")

    @cached_property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``trusted_proxies``, parsed."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)

    @cached_property
    def header_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``trusted_header_proxies``, parsed."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_header_proxies)

    @cached_property
    def redis_address(self) -> Address | None:
        """Where Redis is, if it keeps the data; None: the embedded store does."""
        files = (self.redis_tls_ca, self.redis_tls_cert, self.redis_tls_key)
        tls = Tls(*(None if file is None else str(file) for file in files))
        password = self.redis_password.get_secret_value() if self.redis_password is not None else None
        if self.store_url is not None:
            address = parse_address(self.store_url)
        elif self.redis_host is not None:
            hosts = ((self.redis_host, self.redis_port),)
            address = Address(hosts=hosts, db=self.redis_db, tls=Tls() if self.redis_tls else None)
        else:
            return None
        return address.with_defaults(username=self.redis_username, password=password, tls=tls)

    @cached_property
    def secret_values(self) -> tuple[str, ...] | None:
        """``jwt_secret``, newest first; None: the one in ``data_dir``."""
        return None if self.jwt_secret is None else _parts(self.jwt_secret)

    @cached_property
    def has_https(self) -> bool:
        """Whether browsers reach this installation by HTTPS."""
        return self.base_url.startswith("https:")

    @cached_property
    def journal_dir(self) -> Path:
        """Folder of the click journal, on the same disk as the data."""
        return self.data_dir / "journal"

    @cached_property
    def blocklist_dir(self) -> Path:
        """Folder of the lists of blocked hosts that were downloaded."""
        return self.data_dir / "blocklists"

    @cached_property
    def has_blocklists(self) -> bool:
        """Whether any list is set."""
        return bool(self.blocklist_files or self.blocklist_urls)

    @cached_property
    def blocklist_path(self) -> Path:
        """What all lists together were compiled into."""
        return self.blocklist_dir / "compiled"

    @cached_property
    def backup_place(self) -> str:
        """Where backups are kept."""
        return self.backup_to or str(self.data_dir / "backups")

    @cached_property
    def counters_dir(self) -> Path:
        """Folder of the processes' counters."""
        return self.data_dir / "counters"

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
                    value = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError):
                    raise InvalidSettings(f"{name.upper()}_FILE: the file {path[:255]!r} cannot be read.") from None
                if value:  # an empty file is like an empty variable: not set
                    values[name] = value
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
        name = f"{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise InvalidSettings(f"{name}{first['msg'].removeprefix('Value error, ')[:300]}.") from None


def source_of(name: str) -> Literal["variable", "file", "default"]:
    """Return where ``load_settings`` finds the field of this name: its variable, the file of its twin, or nowhere."""
    if any(value for variable, value in os.environ.items() if variable.lower() == name):
        return "variable"
    return "file" if os.environ.get(f"{name.upper()}_FILE") else "default"


def _parts(secret: SecretStr) -> tuple[str, ...]:
    return tuple(part.strip() for part in secret.get_secret_value().split(","))


def _parsed(value: str, form: str) -> Url:
    """Parse as browsers do, refusing what they would silently mend."""
    if not value.isprintable() or not re.match(r"[A-Za-z]+://[^/\\ ]+[^\\ ]*$", value):
        raise ValueError(form)
    try:
        return Url(value)
    except ValidationError:
        raise ValueError(form) from None


def _host_of(url: Url, form: str) -> str:
    """Return the host in lower case and punycode, with the port where it is not the scheme's own."""
    if not url.host or len(url.host) > 253 or url.username is not None or url.password is not None:
        raise ValueError(form)
    return url.host if url.port in (None, {"http": 80, "https": 443}[url.scheme]) else f"{url.host}:{url.port}"
