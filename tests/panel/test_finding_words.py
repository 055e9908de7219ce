"""What screening found, in words."""

import pytest
from django.utils import translation

from mailqueue.screening import RULES, Finding
from panel import finding_words


@pytest.fixture(autouse=True)
def _french() -> None:
    translation.activate("fr")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_words_in_french_whatever_details_were_kept(rule: str) -> None:
    [told] = finding_words.told([Finding(rule, 1.0, "subject")])
    assert told.title not in {"", rule, RULES[rule].title}
    assert told.advice not in {"", RULES[rule].advice}
    assert "%(" not in told.advice


def test_the_advice_names_what_was_found() -> None:
    found = Finding("subject_opening", 0.8, "subject", {"what": "100 % <b>FREE</b> %(what)s"})
    [told] = finding_words.told([found])
    assert "100 % <b>FREE</b> %(what)s" in told.advice
    assert told.about == "100 % <b>FREE</b> %(what)s"
    assert told.where == "dans l’objet"


def test_what_was_kept_is_told_though_its_rule_is_gone() -> None:
    kept = finding_words.kept(
        [
            {"rule": "gone", "score": 2, "where": "elsewhere", "details": {}},
            {"rule": "link_text", "score": 1.5, "where": "link", "details": {"what": "a.example"}},
        ]
    )
    first, second = finding_words.told(kept)
    assert (first.title, first.where, first.advice) == ("gone", "elsewhere", "")
    assert "a.example" in second.advice
    assert "–" in second.advice, "the host was not kept"
