"""A new address for the error report: asked for by the account, confirmed by who reads it.

Owns the letter with the link and what the link proves. Reports go to no address whose owner has not
said yes: else anybody's mailbox could be filled by a form.

The link holds all there is to know, signed: nothing is stored until it is followed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from mailqueue import accounts
from mailqueue.models import HostingAccount
from panel import throttle

VALID_FOR = timedelta(days=3)
# Letters for one account within an hour; a form must not become a mailer.
MOST_LETTERS = 5
_SALT = "panel.report_address"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a link proposes: this address, for the reports of this account."""

    account: HostingAccount
    address: str


def propose(account: HostingAccount, address: str, now: datetime) -> None:
    """Send the link to the new address, in the account's language.

    Raises TooOften; django.db.Error or InvalidSubmission if the letter cannot be kept.
    """
    throttle.count(f"report-address-{account.pk}", MOST_LETTERS, now)
    values = {"account": account.pk, "from": account.report_to, "to": address}
    token = signing.dumps(values, salt=_SALT, compress=True)
    with translation.override(account.language):
        context = {
            "account": account,
            "link": settings.PUBLIC_URL + reverse("report_address_confirm", args=[token]),
            "days": VALID_FOR.days,
        }
        EmailMessage(
            _("Confirm the address of the error report of %(account)s")
            % {"account": account.service_name},
            render_to_string("letters/report_address.txt", context),
            to=[address],
        ).send()


def read(token: str) -> Proposal | None:
    """What a link proposes; None if it is forged, too old, or the address has changed since."""
    try:
        values = signing.loads(token, salt=_SALT, max_age=VALID_FOR)
        account = HostingAccount.objects.filter(pk=values["account"]).first()
        if account is None or account.report_to != values["from"]:
            return None
        return Proposal(account, values["to"])
    except (signing.BadSignature, KeyError, TypeError):
        return None


def accept(proposal: Proposal) -> None:
    """Send reports to the proposed address from now on."""
    accounts.report_to(proposal.account.pk, proposal.address)
