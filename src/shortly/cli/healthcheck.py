"""``healthcheck``: does the installation do its work right now, and who is to be told when it does not?"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from shortly.cli import options
from shortly.cli.exits import REFUSED, refusals, say
from shortly.cli.output import print_json
from shortly.cli.session import read_settings
from shortly.errors import OutboundFailed, ShortlyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shortly.cli.checks import Check
    from shortly.settings import Settings

Url = Annotated[
    str | None, typer.Option(help="Where to ask; BASE_URL by default, so that proxy and certificate are seen, too.")
]
Alert = Annotated[
    bool,
    typer.Option(
        "--alert", help="Tell ALERT_WEBHOOK_URL and ALERT_EMAIL when something is wrong, and when it is well again."
    ),
]


def healthcheck(url: Url = None, alert: Alert = False, as_json: options.AsJson = False) -> None:
    """Check answer, latency, certificate, disk, restarts, backups and uncounted clicks; ends with 1 on a problem.

    For a timer; 'shortly doctor' looks deeper, and says what to do about the store.
    """
    from shortly.cli.doctor import print_checks

    with refusals(as_json):
        settings = read_settings()
        found = asyncio.run(examine(settings, url or settings.base_url))
        healthy = all(check.state != "problem" for check in found)
        if as_json:
            print_json({"healthy": healthy, "checks": found})
        else:
            print_checks(found)
        told = not alert or asyncio.run(tell_of(settings, found, healthy=healthy))
        if not healthy or not told:
            raise typer.Exit(REFUSED)


async def examine(settings: Settings, url: str) -> list[Check]:
    """Return every finding; what cannot be looked at is a problem of its own."""
    from shortly.cli import vitals
    from shortly.cli.doctor import findings

    found: list[Check] = []
    for ask in (vitals.check_answer, vitals.check_certificate):
        found.extend([check async for check in ask(settings, url)])
    before = vitals.recall(settings)
    for look in (vitals.check_room, vitals.check_lag, vitals.check_changes):
        with findings(found, look.__name__):
            found.extend(look(settings))
    with findings(found, vitals.check_backups.__name__):
        found.extend([check async for check in vitals.check_backups(settings)])
    found.extend(vitals.check_restarts(settings, before))
    return found


async def tell_of(settings: Settings, found: Sequence[Check], *, healthy: bool) -> bool:
    """Tell who is to be told when something is wrong, or is no longer; return whether everybody could be told."""
    from shortly.cli import vitals

    told = True
    if not healthy or not vitals.recall(settings).healthy:
        for tell in (post, mail):
            try:
                await tell(settings, found, healthy)
            except ShortlyError as failure:
                say(f"error: The alert could not be sent: {failure}")
                told = False
    if told:  # otherwise the next check tries again
        with suppress(OSError):  # a full disk is among what was told
            vitals.remember(settings, healthy)
    return told


async def post(settings: Settings, found: Sequence[Check], healthy: bool) -> None:
    """Post the findings as JSON, ``text`` for chat services."""
    import msgspec

    from shortly.wiring import outbound_client

    if settings.alert_webhook_url is None:
        return
    body = {
        "text": text_of(settings, found, healthy),
        "installation": settings.base_url,
        "healthy": healthy,
        "problems": [check for check in found if check.state == "problem"],
    }
    answer = await outbound_client(settings, private=True).post(
        settings.alert_webhook_url.get_secret_value(),
        msgspec.json.encode(body),
        headers={"Content-Type": "application/json"},
    )
    if not 200 <= answer.status < 300:
        raise OutboundFailed(f"ALERT_WEBHOOK_URL answered {answer.status}.")


async def mail(settings: Settings, found: Sequence[Check], healthy: bool) -> None:
    """Mail the findings."""
    from shortly.accounts.mail import Mail
    from shortly.wiring import mail_server

    if settings.alert_email is None:
        return
    subject = f"Shortly at {settings.base_host}: {'well again' if healthy else 'something is wrong'}"
    await Mail(mail_server(settings)).send(settings.alert_email, subject, text_of(settings, found, healthy))


def text_of(settings: Settings, found: Sequence[Check], healthy: bool) -> str:
    """Return the findings for people."""
    if healthy:
        return f"{settings.base_url} is well again."
    problems = [f"- {check.name}: {check.message} {check.advice}" for check in found if check.state == "problem"]
    return "\n".join([f"Something is wrong at {settings.base_url}:", *problems])
