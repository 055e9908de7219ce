"""Patterns over time: each at its boundary, and what honest sites do as well."""

from dataclasses import replace

import pytest

from mailqueue.screening import RULES, Context, Counts, patterns, screen

QUIET = Counts(script="/www/contact.php", sent=3, busiest_hour=5, known=40, new=1, senders=2)
BURST = replace(QUIET, sent=60, busiest_hour=5, silent_days=21)
SUBJECT = replace(QUIET, subject="Hello", subject_recipients=250, subject_new=200)
GROWN = replace(QUIET, sent=100, busiest_hour=20, known=100, new=80)


def rules(counts: Counts) -> set[str]:
    """The rules of the patterns found."""
    return {finding.rule for finding in patterns(counts)}


def test_a_quiet_site_shows_none() -> None:
    assert patterns(QUIET) == ()
    assert patterns(Counts()) == ()


@pytest.mark.parametrize(
    ("counts", "is_found"),
    [
        (BURST, True),
        (replace(BURST, silent_days=14), True),
        (replace(BURST, silent_days=13), False),
        (replace(BURST, sent=49, busiest_hour=0), False),
        (replace(BURST, sent=50, busiest_hour=5), True),
        # The monthly newsletter was as large last month.
        (replace(BURST, sent=3000, busiest_hour=2900), False),
    ],
)
def test_a_burst_of_a_script_that_was_silent(counts: Counts, is_found: bool) -> None:
    assert ("burst" in rules(counts)) is is_found


@pytest.mark.parametrize(
    ("counts", "is_found"),
    [
        (SUBJECT, True),
        (replace(SUBJECT, subject_new=199), False),
        (replace(SUBJECT, subject_recipients=251), False),
        # A newsletter goes to people who were written to before.
        (replace(SUBJECT, subject_recipients=5000, subject_new=300), False),
    ],
)
def test_one_subject_to_hundreds_of_strangers(counts: Counts, is_found: bool) -> None:
    assert ("same_subject" in rules(counts)) is is_found


@pytest.mark.parametrize(
    ("counts", "is_found"),
    [
        (GROWN, True),
        (replace(GROWN, new=79), False),
        (replace(GROWN, sent=20, busiest_hour=10, new=20), False),
        # A young site knows nobody yet; a busy one has had such hours before.
        (replace(GROWN, known=99), False),
        (replace(GROWN, busiest_hour=100), False),
    ],
)
def test_suddenly_new_recipients(counts: Counts, is_found: bool) -> None:
    assert ("new_recipients" in rules(counts)) is is_found


@pytest.mark.parametrize(
    ("senders", "sent", "is_found"), [(20, 40, True), (19, 30, False), (20, 41, False)]
)
def test_random_sender_names(senders: int, sent: int, is_found: bool) -> None:
    assert ("random_senders" in rules(replace(QUIET, senders=senders, sent=sent))) is is_found


@pytest.mark.parametrize(
    ("copies", "hosts", "is_found"), [(40, 20, True), (41, 20, False), (19, 19, False)]
)
def test_the_same_text_with_changing_links(copies: int, hosts: int, is_found: bool) -> None:
    assert ("changing_links" in rules(replace(QUIET, copies=copies, copy_hosts=hosts))) is is_found


def test_patterns_speak_and_weigh_as_other_findings_do() -> None:
    counts = replace(
        SUBJECT,
        sent=600,
        silent_days=30,
        senders=400,
        known=100,
        new=590,
        copies=500,
        copy_hosts=400,
    )
    found = patterns(counts)
    assert len(found) == 5
    for finding in found:
        assert finding.where == "history"
        assert finding.score == RULES[finding.rule].weight
        assert RULES[finding.rule].advice % finding.details
    message = b"From: a@b.example\r\nSubject: Bonjour\r\n\r\nVoici des nouvelles de notre club.\r\n"
    assert not screen(message).is_spam
    assert screen(message, Context(observed=found)).is_spam


def test_a_large_mailing_to_strangers_makes_no_verdict_by_itself() -> None:
    found = patterns(
        replace(GROWN, sent=600, silent_days=30, new=590, subject_recipients=600, subject_new=590)
    )
    assert {finding.rule for finding in found} == {"burst", "same_subject", "new_recipients"}
    plain = b"From: a@b.example\r\nSubject: Bonjour\r\n\r\nVoici des nouvelles de notre club.\r\n"
    verdict = screen(plain, Context(observed=found))
    assert not verdict.is_spam
    assert verdict.score == pytest.approx(4.0)
    shouting = plain.replace(b"Bonjour", b"GRANDE FETE DU CLUB")
    assert screen(shouting, Context(observed=found)).is_spam
    # Who can leave the list has less reason to complain.
    listed = b"List-Unsubscribe: <https://b.example/out>\r\n" + shouting
    verdict = screen(listed, Context(observed=found))
    assert not verdict.is_spam
    assert verdict.score == pytest.approx(2.5 + 1.2)
