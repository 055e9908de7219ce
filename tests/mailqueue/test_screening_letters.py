"""Screening on whole letters as sites send them: honest ones pass, abusive ones do not."""

import pytest

from mailqueue.screening import RULES, Context, screen
from tests.support.letters import Text, texts

HONEST = texts("honest")
ABUSE = texts("abuse")
# What a form passes on to the owner of the site, and what goes to strangers.
TYPED = [text for text in ABUSE if text.frame == "cf7"]
SENT = [text for text in ABUSE if text.frame != "cf7"]


@pytest.mark.parametrize("text", HONEST, ids=lambda text: text.name)
def test_honest_letters_are_never_judged_spam(text: Text) -> None:
    verdict = screen(text.message())
    assert not verdict.is_spam, verdict.findings


def test_there_are_enough_letters_in_many_languages() -> None:
    assert len(HONEST) >= 200
    assert len(SENT) >= 200
    languages = {text.name[:2] for text in HONEST}
    assert languages == {"ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "zh"}
    assert len({text.frame for text in HONEST}) >= 15


def test_nine_of_ten_abusive_letters_are_judged_spam() -> None:
    missed = [text.name for text in SENT if not screen(text.message()).is_spam]
    assert len(SENT) - len(missed) >= 0.9 * len(SENT), missed


@pytest.mark.parametrize("text", TYPED, ids=lambda text: text.name)
def test_what_a_robot_types_for_the_owner_alone_never_stops_his_site(text: Text) -> None:
    own = Context(own_domains=frozenset({text.host}), recipients=(f"info@{text.host}",))
    verdict = screen(text.message(), own)
    assert verdict.findings
    assert not verdict.is_spam, verdict.findings


def test_an_abusive_letter_tells_what_was_found_and_how_to_mend_it() -> None:
    for text in ABUSE:
        verdict = screen(text.message())
        assert verdict.score == pytest.approx(_sum(verdict.findings), abs=3)
        for finding in verdict.findings:
            rule = RULES[finding.rule]
            assert finding.score > 0
            assert rule.advice % finding.details
            assert all("\n" not in value for value in finding.details.values())


def _sum(findings: tuple[object, ...]) -> float:
    return sum(finding.score for finding in findings)  # type: ignore[attr-defined]


def test_a_copy_of_a_visitors_spam_counts_less_at_home_than_with_strangers() -> None:
    message = next(text for text in ABUSE if text.name == "first-btc-form").message()
    own = frozenset({"plomberie-durand.example"})
    home = screen(message, Context(own_domains=own, recipients=("info@plomberie-durand.example",)))
    away = screen(message, Context(own_domains=own, recipients=("victim@mail.example",)))
    assert home.score < away.score
    assert away.is_spam
