"""Coming in with e-mail address and password, and what becomes of the password."""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs

from shortly.accounts.errands import Errands
from shortly.accounts.mail import Mail
from shortly.accounts.passkeys import Passkeys
from shortly.accounts.passwords import Passwords
from shortly.accounts.people import User, email_key
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, removing, replacing
from shortly.accounts.second_factor import SecondFactor, Totp
from shortly.accounts.sessions import From, Session, Sessions, SignedIn
from shortly.accounts.tickets import Ticket, Tickets
from shortly.errors import (
    RecentSignInNeeded,
    RecordChanged,
    SecondFactorRequired,
    SessionNeeded,
    SignInRefused,
    TicketRefused,
    UserNotFound,
    WrongCode,
    WrongPassword,
)

RESET_LIFETIME = timedelta(hours=1)
HANDED_LIFETIME = timedelta(hours=24)
"""Of a link that an admin hands over in person."""
RECENT = timedelta(minutes=15)
RESET_EVERY = timedelta(minutes=2)
"""How often somebody gets a mail, however often it is asked for."""
SUBJECT = "Your new password for Shortly"
TEXT = """\
Somebody, probably you, asked for a new password for your account at
{base_url}

Choose it here, within an hour:
{link}

If it was not you, there is nothing to do: your password stays as it is.
"""


class SignIn:
    """Lets people in by password, and changes passwords.

    Args:
        registry: Where people are kept.
        passwords: Makes and checks hashes.
        sessions: Begins and ends sessions.
        tickets: Issues links for new passwords.
        mail: Sends them.
        errands: Does what an answer must not wait for.
        second_factor: Checks codes.
        passkeys: Users' passkeys.
        base_url: Where such links lead.
    """

    def __init__(
        self,
        registry: Registry,
        passwords: Passwords,
        sessions: Sessions,
        tickets: Tickets,
        mail: Mail,
        errands: Errands,
        second_factor: SecondFactor,
        passkeys: Passkeys,
        *,
        base_url: str,
    ) -> None:
        self._registry = registry
        self._passwords = passwords
        self._sessions = sessions
        self._tickets = tickets
        self._mail = mail
        self._errands = errands
        self._second_factor = second_factor
        self._passkeys = passkeys
        self._base_url = base_url

    @property
    def sends_mail(self) -> bool:
        """Whether somebody who forgot the password can have a link mailed."""
        return self._mail.works

    async def sign_in(self, email: str, password: str, facts: From, *, code: str | None = None) -> SignedIn:
        """Begin a session; an unknown address takes as long as a wrong password.

        Raises:
            SignInRefused: Whatever it was that is wrong.
            SecondFactorNeeded, WrongCode, RateLimited: The password is right; see ``SecondFactor.check``.
            Busy: Too many passwords are being looked at already.
        """
        user = await self._registry.find(User, email_key(email))
        stored = None if user is None else user.password_hash
        right = await self._passwords.check(password, stored)
        if user is None or stored is None or not right or user.disabled_at is not None:
            raise SignInRefused(None if user is None else user.id)
        proof = await self._second_factor.check(user, code)
        fields = {"password_hash": await self._passwords.hash(password)} if self._passwords.is_outdated(stored) else {}
        try:
            return await self._sessions.sign_in(
                user, "password", second_factor=bool(proof), facts=facts, fields=fields, changes=proof
            )
        except RecordChanged as changed:
            if changed.kind == Totp.KIND:
                raise WrongCode(user.id) from None  # somebody was quicker with the same code
            raise

    async def check_present(self, person: SignedIn, password: str | None) -> None:
        """Let somebody pass who is about to change how they come in, whatever became of their browser since.

        Raises:
            SecondFactorRequired: They have a second factor, and came in without.
            WrongPassword: The password is another one.
            SessionNeeded: A proxy in front says who they are.
            RecentSignInNeeded: They have no password, and came in too long ago.
        """
        user, session = person.user, person.session
        if not session.id:
            raise SessionNeeded  # a proxy says who they are, and is where their factors belong
        if not session.second_factor and await self.has_second_factor(user.id):
            raise SecondFactorRequired
        if user.password_hash is None:
            if self._registry.now() - session.created_at > RECENT:
                raise RecentSignInNeeded
        elif not await self._passwords.check(password or "", user.password_hash):
            raise WrongPassword

    async def has_second_factor(self, user_id: int) -> bool:
        """Say whether a user has an authenticator app or a passkey."""
        return await self._second_factor.of(user_id) is not None or bool(await self._passkeys.of(user_id))

    async def remove_app(self, person: SignedIn) -> None:
        """Take somebody's own authenticator app away, and end all other sessions.

        Raises:
            SecondFactorMissing: There is none.
        """
        await self._weaken(person, await self._second_factor.removal(person.user.id))

    async def remove_passkey(self, person: SignedIn, passkey_id: int) -> None:
        """Take one of somebody's own passkeys away, and end all other sessions.

        Raises:
            PasskeyNotFound: There is none such.
        """
        await self._weaken(person, await self._passkeys.removal(person.user.id, passkey_id))

    async def _weaken(self, person: SignedIn, removal: Change) -> None:
        """Remove a factor; a session lives on, without its second factor when none is left."""
        user, session = person.user, person.session
        factors = len(await self._passkeys.of(user.id)) + (await self._second_factor.of(user.id) is not None)
        weaker = structs.replace(session, second_factor=session.second_factor and factors > 1)
        await self._sessions.change_user(user, {}, but=session.id, changes=(removal, replacing(session, weaker)))

    async def remove_factors_of(self, user_id: int) -> User:
        """Take all second factors away from somebody who lost them, and end all of their sessions.

        Raises:
            UserNotFound: There is no such user.
        """
        user = await self._registry.get(User, user_id)
        if user is None:
            raise UserNotFound(str(user_id))
        totp = await self._registry.find(Totp, str(user_id))
        lost: list[Noun] = [*await self._passkeys.of(user_id), *([] if totp is None else [totp])]
        return await self._sessions.change_user(user, {}, changes=[removing(noun) for noun in lost])

    async def change_password(self, user: User, session: Session, *, present: str, new: str) -> None:
        """Give a user who knows the present password another one, and end all other sessions.

        Raises:
            WrongPassword: ``present`` is not the present one.
            WeakPassword: ``new`` is none that is taken.
        """
        if not await self._passwords.check(present, user.password_hash):
            raise WrongPassword
        hashed = await self._passwords.take(new, user.email)
        changes = [removing(ticket) for ticket in await self._tickets.of("reset", user.id)]
        await self._sessions.change_user(user, {"password_hash": hashed}, but=session.id, changes=changes)

    def forgot(self, email: str) -> None:
        """Mail a link for a new password to this address if somebody has it; nobody can tell from outside."""
        self._errands.start(self._mail_link(email))

    async def reset_link(self, user_id: int) -> str:
        """Return a one-time link for a user's new password, to be handed over in person.

        Raises:
            UserNotFound: There is no such user.
        """
        user = await self._registry.get(User, user_id)
        if user is None:
            raise UserNotFound(str(user_id))
        return self._link(await self._tickets.issue("reset", HANDED_LIFETIME, user_id=user.id))

    async def reset(self, secret: str, password: str) -> User:
        """Give the holder of a link the new password, and end all of the user's sessions.

        Raises:
            TicketRefused: The link was used, has expired, or was never issued.
            WeakPassword: The password is none that is taken; the link stays valid.
        """
        ticket = await self._tickets.find("reset", secret)
        user = await self._registry.get(User, ticket.user_id)
        if user is None or user.disabled_at is not None:
            raise TicketRefused
        hashed = await self._passwords.take(password, user.email)
        others = [other for other in await self._tickets.of("reset", user.id) if other.id != ticket.id]
        changes = [removing(used) for used in (ticket, *others)]
        try:
            return await self._sessions.change_user(user, {"password_hash": hashed}, changes=changes)
        except (RecordChanged, SignInRefused):
            raise TicketRefused from None

    async def _mail_link(self, email: str) -> None:
        user = await self._registry.find(User, email_key(email))
        if user is None or user.disabled_at is not None or user.password_hash is None or not self._mail.works:
            return  # who comes in by other means only does not get a password this way
        earlier: list[Ticket] = await self._tickets.of("reset", user.id)
        if earlier and self._registry.now() - earlier[0].created_at < RESET_EVERY:
            return
        link = self._link(await self._tickets.issue("reset", RESET_LIFETIME, user_id=user.id))
        await self._mail.send(user.email, SUBJECT, TEXT.format(base_url=self._base_url, link=link))

    def _link(self, secret: str) -> str:
        return f"{self._base_url}/app/reset-password#token={secret}"
