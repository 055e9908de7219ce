"""What watches a server is told which engine is away (other parts: tests/flow/test_compose.py)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailqueue import engines
from mailqueue.engines import Known
from panel import health

pytestmark = pytest.mark.django_db


def test_engines_are_well_where_there_are_none_or_all_answer(settings: Any) -> None:
    assert health.main(["engines"]) == 0
    settings.CLAMD = ("127.0.0.1", 3310)
    now = timezone.now()
    engines.keep("web1", {"clamav": Known(True, now, now)})
    assert health.main(["engines"]) == 0


def test_an_engine_that_is_away_is_named_with_its_trouble(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CLAMD = ("127.0.0.1", 3310)
    now = timezone.now()
    known = Known(False, now - timedelta(hours=1), now, words="Connection refused")
    engines.keep("web1", {"clamav": known})
    assert health.main(["engines"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("ClamAV has not answered web1 since 20")
    assert told.endswith(": Connection refused\n")
    assert len(told.splitlines()) == 1
