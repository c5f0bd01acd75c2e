"""What a start says and does while nobody has an account yet."""

from __future__ import annotations

import sys
from contextlib import suppress

import structlog

from shortly.accounts.passwords import Passwords
from shortly.accounts.registry import Registry
from shortly.accounts.secret import Secret
from shortly.accounts.setup import Setup
from shortly.accounts.tickets import Tickets
from shortly.errors import InvalidInput, InvalidSettings, SetupDone
from shortly.settings import Settings

log = structlog.get_logger(__name__)


async def begin(settings: Settings, registry: Registry, secret: Secret, passwords: Passwords) -> None:
    """Finish a change of the secret; make the first admin, or print the link by which somebody becomes it.

    It does without the rest of the entrance: the supervisor, which lets nobody in, would keep its libraries in memory.

    Raises:
        InvalidSettings: ADMIN_EMAIL or ADMIN_PASSWORD is none.
    """
    if settings.redis_address is not None and settings.jwt_secret is None:
        log.warning("JWT_SECRET is not set: replicas that share no DATA_DIR do not know one another's sessions")
    if secret.is_being_changed:
        from shortly.accounts.second_factor import SecondFactor

        log.info("second factors are encrypted anew", count=await SecondFactor(registry, secret, issuer="").reseal())
    setup = Setup(registry, passwords, Tickets(registry))
    if not await setup.is_open():
        return
    if settings.admin_email is not None and settings.admin_password is not None:
        await make_admin(setup, settings.admin_email, settings.admin_password.get_secret_value())
        return
    token = await setup.issue()
    if token is not None:
        # not logged: whoever reads the logs later is not meant
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.write(f"Set Shortly up within 24 hours at {settings.base_url}/app/setup#token={token}\n")
            sys.stdout.flush()


async def make_admin(setup: Setup, email: str, password: str) -> None:
    """Make the first admin, unless another process was quicker."""
    try:
        user = await setup.make_first(email=email, password=password)
    except SetupDone:
        return
    except InvalidInput as refusal:
        name = "ADMIN_PASSWORD" if refusal.field == "password" else "ADMIN_EMAIL"
        raise InvalidSettings(f"{name}: {refusal}") from None
    log.info("the first admin can sign in", user=user.id)
