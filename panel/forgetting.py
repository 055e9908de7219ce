"""Daily reports as they were sent name whom mail did not reach: an address is taken out of them."""

import re

from mailqueue.models import HostingAccount
from panel.models import DailyReport

MARKER = "erased@invalid"


def forget(account: HostingAccount, address: str) -> int:
    """Put a marker in the place of an address in the reports of an account; return how many.

    Part of the caller's transaction.
    """
    found = DailyReport.objects.filter(account=account, text__icontains=address)
    # Not a part of a longer address.
    written = re.compile(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)
    reports = list(found.select_for_update())
    for report in reports:
        report.text = written.sub(MARKER, report.text)
        report.save(update_fields=["text"])
    return len(reports)
