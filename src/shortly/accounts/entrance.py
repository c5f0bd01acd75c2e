"""How people come in: everything that it takes, put together."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from shortly.accounts.devices import Devices
from shortly.accounts.errands import Errands
from shortly.accounts.mail import Mail, MailServer
from shortly.accounts.passkeys import Passkeys
from shortly.accounts.passwords import Passwords
from shortly.accounts.registry import Registry
from shortly.accounts.second_factor import SecondFactor
from shortly.accounts.secret import Secret
from shortly.accounts.sessions import Sessions
from shortly.accounts.setup import Setup
from shortly.accounts.sign_in import SignIn
from shortly.accounts.tickets import Tickets


class Entrance:
    """The parts of it, by name.

    Args:
        registry: Where people, sessions and tickets are kept.
        secret: Signs and encrypts.
        passwords: Makes and checks hashes.
        mail_server: Where mail is handed in, if anywhere.
        base_url: The public address.
        idle: A session that is not used for so long ends.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        secret: Secret,
        passwords: Passwords,
        mail_server: MailServer | None,
        base_url: str,
        idle: timedelta,
    ) -> None:
        self.registry = registry
        self.secret = secret
        self.passwords = passwords
        self.mail = Mail(mail_server)
        self.errands = Errands()
        self.tickets = Tickets(registry)
        self.sessions = Sessions(registry, secret, idle=idle)
        self.devices = Devices(secret, registry.now)
        self.second_factor = SecondFactor(registry, secret, issuer=f"Shortly {urlsplit(base_url).hostname}")
        self.passkeys = Passkeys(registry, self.tickets, self.sessions, base_url=base_url)
        self.setup = Setup(registry, passwords, self.tickets)
        self.sign_in = SignIn(
            registry,
            passwords,
            self.sessions,
            self.tickets,
            self.mail,
            self.errands,
            self.second_factor,
            self.passkeys,
            base_url=base_url,
        )

    async def close(self) -> None:
        """Finish what is under way."""
        await self.errands.finish()
        self.passwords.close()
