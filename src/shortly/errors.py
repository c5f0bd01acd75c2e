"""Every refusal that Shortly knows: one tree, each with a stable code for programs and one sentence for people.

The code and the class are the contract; the sentence may be reworded. ``field`` names the offending input field
where there is one. The API maps classes to HTTP statuses in ``api/problems.py``; the CLI prints the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal


class ShortlyError(Exception):
    """The root; its message is one clear sentence without any inside detail."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


# --- input ---------------------------------------------------------------------------------------------------


class InvalidInput(ShortlyError):
    """A value is missing, malformed or out of range."""

    code = "invalid_input"


class TooManyPasswords(InvalidInput):
    """The request brings more different passwords than one may; nothing became of this entry."""

    code = "too_many_passwords"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"One request may bring at most {most} different passwords; send this entry in another one.",
            field="password",
        )


class OutOfReach(InvalidInput):
    """The link would be outside of the part that the key is for."""

    code = "out_of_reach"

    def __init__(self) -> None:
        super().__init__("This key is for a part of the links only, which the link would not belong to.")


class InvalidTarget(InvalidInput):
    """The target is not a URL that Shortly may redirect to."""

    code = "invalid_target"

    def __init__(self, message: str, *, field: str = "target") -> None:
        super().__init__(message, field=field)


class TargetBlocked(InvalidTarget):
    """The target's host is on a blocklist of this installation."""

    code = "target_blocked"

    def __init__(self, host: str, *, field: str = "target") -> None:
        super().__init__(f"No link may lead to the host {host[:253]!r}.", field=field)


class InvalidSlug(InvalidInput):
    """The slug has characters, a length or a form that is not allowed."""

    code = "invalid_slug"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="slug")


class ReservedSlug(InvalidSlug):
    """The slug would hide one of Shortly's own pages."""

    code = "reserved_slug"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The slug {slug!r} is reserved for Shortly's own pages.")


class UnknownDomain(InvalidInput):
    """The domain is not one that this installation serves, or it is another workspace's."""

    code = "unknown_domain"

    def __init__(self, domain: str) -> None:
        super().__init__(f"The domain {domain!r} is not served here, or not for this workspace.", field="domain")


class InvalidCursor(InvalidInput):
    """The page cursor was not made by this installation, or belongs to another sort order."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not valid for this list; start again without it.", field="cursor")


class RangeTooLarge(InvalidInput):
    """The period has more buckets than one answer may hold."""

    code = "range_too_large"

    def __init__(self, buckets: int, limit: int) -> None:
        super().__init__(f"The period has {buckets} buckets; at most {limit} are answered.", field="step")


# --- state ---------------------------------------------------------------------------------------------------


class SlugTaken(ShortlyError):
    """The chosen slug already names a link, as its slug or as an alias."""

    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The slug {slug!r} is already in use.", field="slug")


class LinkNotFound(ShortlyError):
    """No link has this slug on this domain."""

    code = "link_not_found"

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no link {slug!r}.")


class LinkChanged(ShortlyError):
    """Somebody changed the link since it was read; nothing was written."""

    code = "link_changed"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The link {slug!r} was changed in the meantime; read it again and repeat the edit.")


class KeyNotFound(ShortlyError):
    """No API key has this name or id."""

    code = "key_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no API key {key!r}.")


class KeyNameTaken(ShortlyError):
    """A live API key has this name already."""

    code = "key_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"An API key named {name!r} exists already.", field="name")


class Unauthenticated(ShortlyError):
    """Neither a valid API key nor a living session came with the request."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("Sign in, or send a valid API key: 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'.")


class SignInRefused(ShortlyError):
    """E-mail address, password or code is wrong, or the user is disabled."""

    code = "sign_in_refused"

    def __init__(self, user_id: int | None = None) -> None:
        super().__init__("This e-mail address and password do not let anybody in.")
        self.user_id = user_id
        """Whose it would have been; for the audit log alone."""


class SecondFactorNeeded(ShortlyError):
    """The password is right, and a code of the second factor is needed beside it."""

    code = "second_factor_needed"

    def __init__(self) -> None:
        super().__init__("Send the code that your authenticator app shows, or one of your recovery codes, too.")


class WrongCode(ShortlyError):
    """The code of the second factor is wrong, too old, or was used already."""

    code = "wrong_code"

    def __init__(self, user_id: int | None = None) -> None:
        super().__init__("This code is not valid, or was used already; wait for the next one.")
        self.user_id = user_id
        """Whose it would have been; for the audit log alone."""


class UnconfirmedCode(InvalidInput):
    """The new authenticator app shows another code."""

    code = "unconfirmed_code"

    def __init__(self) -> None:
        super().__init__("This is not the code that the app shows now; is its clock right?", field="code")


class SecondFactorExists(ShortlyError):
    """There is an authenticator app already."""

    code = "second_factor_exists"

    def __init__(self) -> None:
        super().__init__("You have an authenticator app already; remove it first.")


class SecondFactorMissing(ShortlyError):
    """There is no authenticator app, or it was not begun to be set up."""

    code = "second_factor_missing"

    def __init__(self) -> None:
        super().__init__("There is no authenticator app; set one up first.")


class PasskeyRefused(ShortlyError):
    """The passkey is unknown here, or its answer does not fit what was asked."""

    code = "passkey_refused"

    def __init__(self) -> None:
        super().__init__("This passkey does not let anybody in here, or it took too long; try again.")


class PasskeyUnusable(InvalidInput):
    """The new passkey does not fit what was asked for, or belongs to somebody already."""

    code = "passkey_unusable"

    def __init__(self) -> None:
        super().__init__("This passkey cannot be used here, or it took too long; try again.", field="credential")


class PasskeyNotFound(ShortlyError):
    """The user has no such passkey."""

    code = "passkey_not_found"

    def __init__(self, passkey_id: int) -> None:
        super().__init__(f"There is no passkey {passkey_id}.")


class PasskeysFull(ShortlyError):
    """The user has as many passkeys as there may be."""

    code = "passkeys_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} passkeys already; remove one first.")


class RecentSignInNeeded(ShortlyError):
    """Without a password to ask for, this needs a session that began a moment ago."""

    code = "recent_sign_in_needed"

    def __init__(self) -> None:
        super().__init__("Sign out and in again, then do this within 15 minutes.")


class SecondFactorRequired(ShortlyError):
    """This installation lets nobody like the caller do anything without a second factor."""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__("A second factor is asked for here: set up an authenticator app or a passkey first.")


class SecondFactorUnreadable(ShortlyError):
    """The signing secret is not the one any more that the second factor was encrypted with."""

    code = "second_factor_unreadable"

    def __init__(self) -> None:
        super().__init__("The second factor cannot be read any more; ask an admin to remove it.")


class IdentityRefused(ShortlyError):
    """Who vouches for the person was understood, but they are not let in; ``reason`` says why."""

    code = "identity_refused"
    REASONS: ClassVar[Mapping[str, str]] = {
        "expired": "The sign-in took too long, was already used, or began in another browser; try again.",
        "refused_there": "The identity provider did not let you in.",
        "provider_away": "The identity provider does not answer right now; try again shortly.",
        "invalid_token": "What the identity provider says could not be trusted.",
        "no_email": "The identity provider tells no e-mail address of yours.",
        "email_unverified": "The identity provider has not verified your e-mail address.",
        "email_taken": "There is an account with your e-mail address, which is not connected with this identity.",
        "unknown": "There is no account for you here; ask an admin for one.",
        "no_role": "None of your groups gives you a role here.",
        "not_set_up": "This installation has to be set up first.",
        "disabled": "Your account is disabled.",
        "off": "There is no identity provider here.",
    }
    """Stable, too: the sign-in page is told the reason alone."""

    def __init__(self, reason: str, *, forged: bool = False) -> None:
        super().__init__(self.REASONS[reason])
        self.reason = reason
        self.forged = forged
        """Any stranger can make such an answer up, without the provider having said anything."""


class WrongPassword(InvalidInput):
    """The present password is another one."""

    code = "wrong_password"

    def __init__(self) -> None:
        super().__init__("This is not the present password.", field="password")


class WeakPassword(InvalidInput):
    """The new password is too short, too long, or among the first that anybody would try."""

    code = "weak_password"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="password")


class TicketRefused(ShortlyError):
    """The one-time link was used already, has expired, or was never issued."""

    code = "ticket_refused"

    def __init__(self) -> None:
        super().__init__("This link was used already or has expired; ask for a new one.")


class SetupDone(ShortlyError):
    """The installation has its first user; this door is closed for good."""

    code = "setup_done"

    def __init__(self) -> None:
        super().__init__("This installation is set up already; sign in, or ask its admin for an invitation.")


class SessionNotFound(ShortlyError):
    """The user has no such session, or it has ended."""

    code = "session_not_found"

    def __init__(self, session_id: int) -> None:
        super().__init__(f"There is no session {session_id}.")


class SessionNeeded(ShortlyError):
    """Only a person who is signed in can do this, not an API key."""

    code = "session_needed"

    def __init__(self) -> None:
        super().__init__("This is for people who are signed in; an API key cannot do it.")


class CrossSiteRequest(ShortlyError):
    """The request did not come from this installation's own pages, or lacks the header that says so."""

    code = "cross_site_request"

    def __init__(self) -> None:
        super().__init__(
            "This request must come from this site's own pages: with the header 'X-CSRF: 1', "
            "and with Sec-Fetch-Site or Origin as browsers send them there."
        )


class Forbidden(ShortlyError):
    """The caller is known, and not allowed to do this."""

    code = "forbidden"

    def __init__(self, permission: str) -> None:
        super().__init__(f"This needs the permission {permission!r}, which you do not have here.")
        self.permission = permission


class RecordChanged(ShortlyError):
    """Somebody changed what was read; nothing was written."""

    code = "changed"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The {kind} was changed in the meantime; read it again and repeat the edit.")
        self.kind = kind


class NameTaken(ShortlyError):
    """Another of the same kind has this name already."""

    code = "name_taken"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is another {kind} named {name!r} already.", field="name")
        self.kind = kind
        self.name = name


class UserNotFound(ShortlyError):
    """No user has this id or e-mail address."""

    code = "user_not_found"

    def __init__(self, user: str) -> None:
        super().__init__(f"There is no user {user!r}.")


class EmailTaken(ShortlyError):
    """A user has this e-mail address already."""

    code = "email_taken"

    def __init__(self, email: str) -> None:
        super().__init__(f"There is a user with the e-mail address {email!r} already.", field="email")


class LastAdmin(ShortlyError):
    """Without this admin there would be none left."""

    code = "last_admin"

    def __init__(self, of: str) -> None:
        super().__init__(f"This is the last admin of the {of}; make somebody else an admin first.")


class WorkspaceNotFound(ShortlyError):
    """The caller belongs to no workspace with this id."""

    code = "workspace_not_found"

    def __init__(self, workspace: str) -> None:
        super().__init__(f"There is no workspace {workspace!r}.")


class WorkspaceInUse(ShortlyError):
    """The workspace has links or domains, or is the first one, and cannot be deleted."""

    code = "workspace_in_use"


class DomainNotFound(ShortlyError):
    """No domain that the caller may change has this name."""

    code = "domain_not_found"

    def __init__(self, host: str) -> None:
        super().__init__(f"There is no domain {host!r}.")


class DomainTaken(ShortlyError):
    """The host is served already."""

    code = "domain_taken"

    def __init__(self, host: str) -> None:
        super().__init__(f"The domain {host!r} is served already.", field="host")


class DomainInUse(ShortlyError):
    """The domain has links, or is served by a setting, and cannot be taken away."""

    code = "domain_in_use"


class WorkspacesFull(ShortlyError):
    """All numbers for workspaces are given."""

    code = "workspaces_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"An installation has at most {most} workspaces, deleted ones among them.")


class MemberNotFound(ShortlyError):
    """The user does not belong to the workspace."""

    code = "member_not_found"

    def __init__(self, user: str) -> None:
        super().__init__(f"The user {user!r} is not a member of this workspace.")


class AlreadyMember(ShortlyError):
    """The user belongs to the workspace already."""

    code = "already_member"

    def __init__(self) -> None:
        super().__init__("This user is a member of the workspace already.")


class InvitationNotFound(ShortlyError):
    """There is no such invitation, or it was accepted, taken back, or is older than it may be."""

    code = "invitation_not_found"

    def __init__(self) -> None:
        super().__init__("This invitation is not valid, or not any more; ask for a new one.")


class SignInFirst(ShortlyError):
    """The invitation is for an account that exists and is not signed in, or for another than the one signed in."""

    code = "sign_in_first"

    def __init__(self) -> None:
        super().__init__("Sign in as the person invited, or sign out if they have no account yet; then accept.")


class RateLimited(ShortlyError):
    """Too many requests of this kind came from one place, or for one account; Retry-After says when to go on."""

    code = "rate_limited"

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("There were too many requests; wait as long as Retry-After says, then go on.")
        self.retry_after_s = retry_after_s


class TooManyStreams(ShortlyError):
    """The caller has as many live streams open as one may, or the process as many as all may."""

    code = "too_many_streams"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are too many live streams open, of yours at most {most}; close one first.")


class LinkBanned(ShortlyError):
    """The link is banned: only who may lift that can delete it."""

    code = "link_banned"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The link {slug!r} is banned, and can be deleted only by those who decide about bans.")


class ViewNotFound(ShortlyError):
    """The person has no saved view with this id."""

    code = "view_not_found"

    def __init__(self, view_id: int) -> None:
        super().__init__(f"There is no saved view {view_id}.")


class ViewsFull(ShortlyError):
    """The person has as many saved views as one can have."""

    code = "views_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} saved views already; delete one first.")


class ReportNotFound(ShortlyError):
    """The workspace has no report of abuse with this id."""

    code = "report_not_found"

    def __init__(self, report_id: int) -> None:
        super().__init__(f"There is no report {report_id}.")


class NotShared(ShortlyError):
    """The link's statistics are not shared, or not any more."""

    code = "not_shared"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The statistics of {slug!r} are not shared." if slug else "This page is not shared.")


class IdempotencyMismatch(ShortlyError):
    """The idempotency key was used before, with another request."""

    code = "idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with a different request.")


class IdempotencyInProgress(ShortlyError):
    """The first request with this idempotency key has not been answered yet."""

    code = "idempotency_in_progress"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still being answered; try again shortly.")


# --- the machine ---------------------------------------------------------------------------------------------


class InvalidSettings(ShortlyError):
    """A setting is missing or bad; the start stops."""

    code = "invalid_settings"


class StoreUnavailable(ShortlyError):
    """The store does not answer; nothing is known about the link, and nothing was written."""

    code = "store_unavailable"

    def __init__(self, message: str = "The store does not answer right now; try again shortly.") -> None:
        super().__init__(message)


class Busy(ShortlyError):
    """Too much is being asked at once; nothing was done."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("Too many are signing in right now; try again shortly.")


class MailRefused(ShortlyError):
    """The mail server did not take the message, or there is none."""

    code = "mail_refused"

    def __init__(self) -> None:
        super().__init__("The mail could not be sent.")


class StoreEmptied(StoreUnavailable):
    """The store answers, but data that were there are gone."""

    code = "store_emptied"

    def __init__(self) -> None:
        super().__init__(
            "The store has lost its data, or holds others than before; restore a backup, "
            "or run 'shortly doctor --begin-anew' to go on with what is there."
        )


class StoreDamaged(ShortlyError):
    """A database file is not a database, or its contents contradict themselves."""

    code = "store_damaged"

    def __init__(self) -> None:
        super().__init__("The database is damaged; stop Shortly and restore the latest backup.")


class StorageFull(ShortlyError):
    """The disk (or the store's memory) is full; nothing was written."""

    code = "storage_full"

    def __init__(self) -> None:
        super().__init__("The storage is full; nothing was saved.")


class StoreTooNew(ShortlyError):
    """The data was written by a newer version of Shortly."""

    code = "store_too_new"

    def __init__(self, name: str, found: int, known: int) -> None:
        super().__init__(
            f"The {name} database is at schema {found}, and this version of Shortly knows only up to {known}; "
            "install the newer version, or restore the backup made before the upgrade."
        )


class MigrationChanged(ShortlyError):
    """A migration that was applied differs from the one in this version."""

    code = "migration_changed"

    def __init__(self, name: str, number: int) -> None:
        super().__init__(
            f"Migration {number} of the {name} database is not the one that was applied to it; "
            "this is a build of Shortly that was tampered with or mixed from two versions."
        )


class SecretKept(ShortlyError):
    """The installation's secret was not changed."""

    code = "secret_kept"


# --- other servers -------------------------------------------------------------------------------------------


NoAnswer = Literal["unknown_name", "too_slow", "certificate", "led_on", "no_answer"]
"""Why another server gave no proper answer, for programs."""


class OutboundRefused(ShortlyError):
    """The address is not one that Shortly may ask: it leads inside, or has a scheme or port that is not allowed."""

    code = "outbound_refused"

    def __init__(self) -> None:
        super().__init__("This address may not be asked from here; OUTBOUND_ALLOW and OUTBOUND_PORTS say which may.")


class OutboundFailed(ShortlyError):
    """Another server gave no proper answer."""

    code = "outbound_failed"

    def __init__(self, detail: str, why: NoAnswer = "no_answer") -> None:
        super().__init__(detail)
        self.why: NoAnswer = why


# --- backups -------------------------------------------------------------------------------------------------


class BackupNotFound(ShortlyError):
    """There is no backup of this name."""

    code = "backup_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no backup {name[:128]!r}; 'shortly backup list' shows those that there are.")


class BackupsLost(ShortlyError):
    """The folder of backups is not the one that they were put into."""

    code = "backups_lost"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"The backups that were put into {place[:255]!r} are not there: it is another folder now, or its disk is "
            "not mounted. If they are gone for good, 'shortly backup adopt' begins anew."
        )


class BackupDamaged(ShortlyError):
    """The backup is not what was made: cut off, changed, or no backup at all."""

    code = "backup_damaged"

    def __init__(self) -> None:
        super().__init__("The backup is damaged and was not used; take another one.")


class BackupNeedsKey(ShortlyError):
    """The backup is encrypted to another key than the one that was given."""

    code = "backup_needs_key"

    def __init__(self) -> None:
        super().__init__("The backup is encrypted; name the file with its age secret key by --identity.")


class BackupPlaceFailed(ShortlyError):
    """The place where backups are kept does not answer, or refuses."""

    code = "backup_place_failed"

    def __init__(self, place: str) -> None:
        super().__init__(f"Backups cannot be kept in or read from {place[:255]!r}; the log says why.")


class MomentNotKept(ShortlyError):
    """Nothing is kept that could be brought to this moment."""

    code = "moment_not_kept"

    def __init__(self, moment: datetime, oldest: datetime | None) -> None:
        what = f"the oldest one is {oldest:%Y-%m-%dT%H:%M:%SZ}" if oldest else "'shortly backup follow' keeps them"
        super().__init__(f"The moment {moment:%Y-%m-%dT%H:%M:%SZ} is not kept; {what}.")


class ChangesMissing(ShortlyError):
    """A file of changes is gone that lies before the moment that was asked for."""

    code = "changes_missing"

    def __init__(self, reached: datetime) -> None:
        super().__init__(
            f"Changes after {reached:%Y-%m-%dT%H:%M:%SZ} are missing; choose that moment, or one after the next base."
        )


class BackupIncomplete(ShortlyError):
    """A copy lacks something, as the comparison at its end shows."""

    code = "backup_incomplete"

    def __init__(self, what: str) -> None:
        super().__init__(f"The copy is not complete ({what} differ); run the command again.")
