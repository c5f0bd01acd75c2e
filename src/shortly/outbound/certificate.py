"""Until when a server's certificate is good."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import httpcore2

from shortly.errors import OutboundFailed
from shortly.outbound.resolver import Resolve, resolve
from shortly.outbound.rules import OutboundRules
from shortly.outbound.transport import Budget, GuardedBackend

DEADLINE_S = 10.0
MAX_BYTES = 256 << 10


async def expiry_of(
    host: str, port: int, rules: OutboundRules, *, tls: ssl.SSLContext | None = None, resolver: Resolve = resolve
) -> datetime:
    """Return the moment (UTC) at which the certificate ends that a server proves its name with.

    Args:
        host: The server's name, or its literal address without brackets.
        port: Where it speaks TLS.
        rules: Which servers may be asked.
        tls: How certificates are verified; None: against this machine's authorities.
        resolver: Turns names into addresses.

    Raises:
        OutboundRefused: The server may not be asked.
        OutboundFailed: There is no answer within ten seconds, or a certificate that is not trusted, has ended, or is
            another's; the sentence says which.
    """
    network = GuardedBackend(rules, resolver, Budget(DEADLINE_S, MAX_BYTES))
    try:
        stream = await network.connect_tcp(host, port)
        try:
            stream = await stream.start_tls(tls or ssl.create_default_context(), host)
            certificate = stream.get_extra_info("ssl_object").getpeercert()
        finally:
            await stream.aclose()
    except (httpcore2.NetworkError, httpcore2.TimeoutException) as failure:
        raise OutboundFailed(reason_of(failure)) from None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


def reason_of(failure: BaseException) -> str:
    """Return in one sentence why there is no certificate that could be trusted."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate is not accepted: {cause.verify_message.rstrip('.')[:200]}."
        cause = cause.__cause__ or cause.__context__
    return "The server did not answer with a certificate."
