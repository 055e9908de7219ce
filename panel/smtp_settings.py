"""What a script must be told to send over the network: the guide's settings of PHPMailer.

Owns which listener is named, and by which name; the relay listens.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where to connect; `secure` is PHPMailer's word: "ssl" is TLS from the start."""

    host: str
    port: int
    secure: str


def for_scripts() -> SmtpSettings | None:
    """The settings of the best listener, or None if there is none.

    The guide prefers TLS from the start.
    """
    listeners = sorted(settings.SUBMISSION_LISTEN, key=lambda one: not one[2])
    if not listeners:
        return None
    host, port, is_tls = listeners[0]
    starts_tls = "tls" if settings.SUBMISSION_CERTIFICATE else ""
    return SmtpSettings(_name(host), port, "ssl" if is_tls else starts_tls)


def _name(host: str) -> str:
    """The name that others reach this listener by, and that its certificate should have."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_loopback or not (address.is_unspecified or settings.SUBMISSION_CERTIFICATE):
        return host
    return str(settings.HOSTNAME)
