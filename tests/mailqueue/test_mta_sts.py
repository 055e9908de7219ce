"""Policies of MTA-STS that were fetched: kept, replaced, and forgotten when their time is over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailqueue import mta_sts
from mailqueue.models import MtaStsPolicy
from mailqueue.mta_sts import Kept

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(now: datetime) -> Kept:
    return Kept("1", "enforce", ("mx.example", "*.b.example"), now, now + timedelta(days=7))


def test_a_policy_comes_back_as_it_was_kept(kept: Kept, now: datetime) -> None:
    assert mta_sts.load("d.example", now) is None
    mta_sts.keep("d.example", kept)
    assert mta_sts.load("d.example", now) == kept
    assert mta_sts.load("d.example", kept.expires_at) is None


def test_a_new_policy_takes_the_place_of_the_old(kept: Kept, now: datetime) -> None:
    mta_sts.keep("d.example", kept)
    new = replace(kept, policy_id="2", mode="none", servers=())
    mta_sts.keep("d.example", new)
    assert mta_sts.load("d.example", now) == new
    assert MtaStsPolicy.objects.count() == 1


def test_policies_whose_time_is_over_are_deleted(kept: Kept, now: datetime) -> None:
    for number, days in enumerate((-2, -1, 1)):
        over = now + timedelta(days=days)
        mta_sts.keep(f"d{number}.example", replace(kept, expires_at=over))
    assert mta_sts.prune(now, limit=1) == 1
    assert mta_sts.prune(now) == 1
    assert mta_sts.prune(now) == 0
    assert list(MtaStsPolicy.objects.values_list("domain", flat=True)) == ["d2.example"]
