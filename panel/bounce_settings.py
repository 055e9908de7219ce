"""What the settings of the way back must be to make sense together.

Owns the refusals of `settings` for them; `relay.inbound` listens.
"""

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import DomainNameValidator


def check_bounces(
    domain: str, listeners: Sequence[tuple[str, int, bool]], certificate: str, key: str
) -> None:
    """Raise ImproperlyConfigured if the domain is none, or what listens could take nothing."""
    if domain:
        try:
            # In ASCII: it stands in return paths, which must pass servers without SMTPUTF8.
            DomainNameValidator(accept_idna=False)(domain)
        except ValidationError as error:
            raise ImproperlyConfigured(
                f"FACTEUR_BOUNCE_DOMAIN is {domain!r}; it must be a domain name."
            ) from error
    if listeners and not domain:
        raise ImproperlyConfigured("FACTEUR_BOUNCE_LISTEN needs FACTEUR_BOUNCE_DOMAIN.")
    for host, port, is_tls in listeners:
        if is_tls:
            raise ImproperlyConfigured(
                f"FACTEUR_BOUNCE_LISTEN has tls://{host}:{port}; other servers begin without TLS."
            )
    if bool(certificate) != bool(key):
        raise ImproperlyConfigured(
            "FACTEUR_BOUNCE_CERTIFICATE and FACTEUR_BOUNCE_KEY go together; set both."
        )
