"""An address that is erased goes out of the samples of stops, and of what is told of them."""

from collections.abc import Callable
from datetime import datetime

import pytest

from mailqueue import service
from mailqueue.models import Alert, HostingAccount, StateChange

pytestmark = pytest.mark.django_db(transaction=True)


def test_samples_to_the_address_go_and_others_stay(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("zoe@example.org", at=now)
    submit("paul@example.org", at=now)
    service.report_spam(account.pk, "", now)
    assert service.forget(account.pk, "ZOE@example.org") == 1
    assert service.forget(account.pk, "zoe@example.org") == 0
    for figures in (StateChange.objects.get().figures, Alert.objects.get().figures):
        assert [sample["address"] for sample in figures["samples"]] == ["paul@example.org"]
