"""Services made from the settings: what both doors, the app and the command line, wire alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shortly.abuse.blocklist import Blocklist
from shortly.links.checks import LinkChecks
from shortly.links.domains import Domain, Domains
from shortly.links.link import Link
from shortly.links.passwords import Hash, hash_apart
from shortly.links.service import LinkService
from shortly.links.slug import SlugRules
from shortly.links.store import LinkStore
from shortly.links.target import TargetRules
from shortly.outbound.client import Outbound
from shortly.outbound.rules import OutboundRules
from shortly.settings import Settings

if TYPE_CHECKING:
    from shortly.abuse.rates import Counting, Door, RateLimits
    from shortly.accounts.audit import Audit
    from shortly.accounts.entrance import Entrance
    from shortly.accounts.invitations import InvitationService
    from shortly.accounts.keys import KeyService
    from shortly.accounts.mail import Mail, MailServer
    from shortly.accounts.oidc import Oidc
    from shortly.accounts.passwords import Passwords
    from shortly.accounts.records import RecordStore
    from shortly.accounts.registry import Registry
    from shortly.accounts.trusted_header import TrustedHeader
    from shortly.accounts.users import PeopleService
    from shortly.accounts.workspaces import WorkspaceService
    from shortly.links.domain_service import DomainService


def slug_rules(settings: Settings) -> SlugRules:
    """Return which slugs the settings allow."""
    return SlugRules(
        length=settings.slug_length,
        unicode=settings.unicode_slugs,
        multi_segment=settings.multi_segment_slugs,
        case_insensitive=settings.case_insensitive_slugs,
    )


def blocklist(settings: Settings) -> Callable[[str], bool]:
    """Return what says of a host whether links may not lead there."""
    if not settings.has_blocklists:  # what an earlier start compiled counts no more
        return lambda _: False
    return Blocklist(settings.blocklist_path, settings.blocklist_allow).blocks


def served_domains(settings: Settings, registry: Registry) -> Domains:
    """Return the domains that the settings name; those of records come with its ``refresh``."""
    return Domains(settings.base_host, settings.extra_domains, lambda: registry.all(Domain))


def link_service(
    settings: Settings,
    store: LinkStore,
    domains: Domains,
    *,
    on_new: Callable[[Link], None] = lambda _: None,
    hash_password: Hash = hash_apart,
    checks: LinkChecks | None = None,
) -> LinkService:
    """Return the rules for links that the settings ask for; the caller opens and closes the store."""
    return LinkService(
        store,
        slugs=slug_rules(settings),
        targets=TargetRules(
            schemes=settings.target_schemes,
            credentials=settings.target_credentials,
            own_hosts=domains,
            blocks=blocklist(settings),
        ),
        domains=domains,
        default_status=settings.default_status,
        on_new=on_new,
        hash_password=hash_password,
        checks=checks,
    )


def link_checks(settings: Settings, store: LinkStore, registry: Registry) -> LinkChecks:
    """Return what asks targets, and knows those that do not answer; the caller opens and closes the store."""
    from shortly.outbound.targets import Targets

    rules = OutboundRules(ports=settings.outbound_ports, allow=settings.outbound_allow)
    return LinkChecks(store, registry, Targets(settings.base_url, rules).ask)


def audit_log(settings: Settings, registry: Registry) -> Audit:
    """Return the audit log, with entries kept as long as the settings ask for."""
    from shortly.accounts.audit import Audit

    return Audit(registry, timedelta(days=settings.audit_retention_days))


def key_service(settings: Settings, store: RecordStore) -> KeyService:
    """Return the service for API keys; the caller opens and closes the store."""
    from shortly.accounts.keys import KeyService
    from shortly.accounts.registry import Registry

    registry = Registry(store)
    return KeyService(registry, audit_log(settings, registry))


class Teams(NamedTuple):
    """The services for people, and for what they work in."""

    people: PeopleService
    workspaces: WorkspaceService
    invitations: InvitationService
    domains: DomainService


def teams(
    settings: Settings, registry: Registry, links: LinkService, audit: Audit, passwords: Passwords, mail: Mail
) -> Teams:
    """Return the services for people, workspaces, invitations and domains."""
    from shortly.accounts.identities import Identity
    from shortly.accounts.invitations import InvitationService
    from shortly.accounts.keys import Key
    from shortly.accounts.passkeys import Passkey
    from shortly.accounts.passwords import check_password
    from shortly.accounts.people import Member
    from shortly.accounts.second_factor import Totp
    from shortly.accounts.sessions import Session
    from shortly.accounts.tickets import Ticket
    from shortly.accounts.users import PeopleService
    from shortly.accounts.views import View
    from shortly.accounts.workspaces import WorkspaceService
    from shortly.links.domain_service import DomainService

    domains = DomainService(registry, audit, links.domains, links.has_any_on)

    async def hash_password(password: str, email: str) -> str:
        check_password(password, email)
        return await passwords.hash(password)

    return Teams(
        PeopleService(registry, audit, hash_password, (Member, Session, Ticket, Totp, Passkey, Key, Identity, View)),
        WorkspaceService(registry, audit, links.has_any, domains.of_workspace),
        InvitationService(registry, audit, mail, hash_password, base_url=settings.base_url),
        domains,
    )


class Vouchers(NamedTuple):
    """Who vouches for people, apart from themselves."""

    oidc: Oidc | None
    trusted_header: TrustedHeader | None


def vouchers(settings: Settings, door: Entrance, teams: Teams, audit: Audit) -> Vouchers:
    """Return who vouches for people, as the settings say."""
    from shortly.accounts.identities import Admission, Identities, parse_group_role
    from shortly.accounts.oidc import Oidc
    from shortly.accounts.oidc_provider import Provider
    from shortly.accounts.trusted_header import TrustedHeader
    from shortly.redirect.visitor import Addresses

    def identities(admission: Admission) -> Identities:
        return Identities(door.registry, teams.people, teams.workspaces, door.setup, audit, admission)

    oidc = header = None
    if settings.oidc_issuer is not None and settings.oidc_client_id is not None:
        secret = settings.oidc_client_secret
        admission = Admission(
            creates=settings.oidc_create_users,
            links=settings.oidc_link_by_email,
            verified=settings.oidc_require_verified_email,
            roles=tuple(map(parse_group_role, settings.oidc_roles)),
        )
        oidc = Oidc(
            Provider(
                settings.oidc_issuer,
                client_id=settings.oidc_client_id,
                client_secret=None if secret is None else secret.get_secret_value(),
                ask=outbound_client(settings, private=True),
                clock=door.registry.now,
            ),
            identities(admission),
            door.tickets,
            door.sessions,
            door.registry,
            base_url=settings.base_url,
            scopes=settings.oidc_scopes,
            groups_claim=settings.oidc_groups_claim,
            name=settings.oidc_name,
        )
    if settings.trusted_header_user is not None:
        header = TrustedHeader(
            door.registry,
            identities(
                Admission(
                    creates=settings.trusted_header_create_users,
                    links=True,
                    roles=tuple(map(parse_group_role, settings.trusted_header_roles)),
                )
            ),
            trusts=Addresses(settings.header_networks).trusts,
            user=settings.trusted_header_user,
            name=settings.trusted_header_name,
            groups=settings.trusted_header_groups,
        )
    return Vouchers(oidc, header)


def outbound_client(settings: Settings, *, private: bool = False) -> Outbound:
    """Return the client for requests to other servers.

    Args:
        settings: The installation's.
        private: Ask private addresses and any port, too: only for addresses that the operator alone configures.
    """
    ports = None if private else settings.outbound_ports
    return Outbound(OutboundRules(ports=ports, allow=settings.outbound_allow, private=private))


def rate_limits(settings: Settings, hidden: Callable[[str], str], counters: Counting) -> RateLimits:
    """Return the limits that the settings ask for; the caller closes them."""
    from shortly.abuse.counts import redis_counts  # take a tenth of a second, which no command would want to wait for
    from shortly.abuse.rates import RateLimits

    rules: dict[Door, str] = {
        "sign_in": settings.limit_sign_in,
        "account": settings.limit_account,
        "strangers": settings.limit_strangers,
        "recovery": settings.limit_recovery,
        "create": settings.limit_create,
        "anonymous": settings.limit_anonymous,
        "report": settings.limit_report,
        "page": settings.limit_page,
        "qr": settings.limit_qr,
        "unlock": settings.limit_unlock,
        "unlock_link": settings.limit_unlock_link,
        "unlock_crowd": settings.limit_unlock_crowd,
        "check": settings.limit_check,
    }
    address = settings.redis_address
    shared = redis_counts(address) if address is not None and any(rules.values()) else None
    return RateLimits(rules, shared=shared, hidden=hidden, counters=counters)


def entrance(
    settings: Settings,
    store: RecordStore,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    passwords: Passwords | None = None,
) -> Entrance:
    """Return how people come in; the caller opens and closes the store, and closes this before."""
    from shortly.accounts.entrance import Entrance  # most commands do without, and its libraries take long to import
    from shortly.accounts.passwords import Passwords
    from shortly.accounts.registry import Registry
    from shortly.accounts.secret import open_secret

    return Entrance(
        Registry(store, clock),
        secret=open_secret(settings.secret_values, settings.data_dir),
        passwords=passwords or Passwords(),
        mail_server=mail_server(settings),
        base_url=settings.base_url,
        idle=timedelta(days=settings.session_days),
    )


def mail_server(settings: Settings) -> MailServer | None:
    """Return where mail is handed in, if anywhere."""
    from shortly.accounts.mail import MailServer

    if settings.smtp_host is None or settings.mail_from is None:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=None if settings.smtp_password is None else settings.smtp_password.get_secret_value(),
        sender=settings.mail_from,
    )
