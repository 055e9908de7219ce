"""Rules are in the form that text is compared in, and each can be reached."""

import pytest

from mailqueue.bounce_rules import Category
from mailqueue.bounce_rules.codes import certain, likely
from mailqueue.bounce_rules.english import OWN_WORDS, STRONG, WEAK
from mailqueue.bounce_rules.languages import LANGUAGES
from mailqueue.bounce_rules.tags import TAGS
from mailqueue.bounce_rules.words import Rule, first_match, plain, rules

ALL = [*TAGS, *STRONG, *WEAK, *LANGUAGES, *OWN_WORDS]


@pytest.mark.parametrize("group", [TAGS, STRONG, WEAK, LANGUAGES, OWN_WORDS])
def test_no_rule_is_hidden_by_an_equal_one(group: tuple[Rule, ...]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for rule in group:
        key = (rule.first, rule.second, rule.within)
        assert key not in seen, key
        seen.add(key)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: f"{rule.first}*{rule.second}".strip())
def test_a_phrase_fits_text_that_says_it(rule: Rule) -> None:
    # Joined by marks that count as spaces, or a number in a phrase would pass for a code.
    said = f"{rule.first} {rule.second}".strip().replace(" ", "_")
    text = plain(said)
    assert first_match([rule], text, rule.within) is rule.category


def test_text_loses_codes_addresses_and_punctuation() -> None:
    said = plain("550-5.1.1 <a@example.org>... User 'unknown'! See https://example.org/x")
    assert said.plain == " @ user unknown see "
    assert said.links == "https://example.org/x"


def test_accents_and_wide_letters_are_folded() -> None:
    assert plain("Boîte  PLEINE ＯＫ").plain == " boite pleine ok "


def test_words_of_east_asia_are_found_across_line_breaks() -> None:
    [rule] = rules([(Category.MAILBOX_FULL, "邮箱已满")])
    assert first_match([rule], plain("邮箱\n 已满"), "5") is Category.MAILBOX_FULL


def test_the_halves_of_a_phrase_must_stand_close() -> None:
    [rule] = rules([(Category.SUSPENDED, "account * disabled")])
    assert first_match([rule], plain("account of Ann is disabled"), "5")
    assert not first_match([rule], plain("account " + "x " * 60 + "disabled"), "5")


def test_a_domain_that_does_not_exist_is_told_from_a_user() -> None:
    assert "domain does not exist" in plain("example.org does not exist").plain
    assert "domain does not exist" not in plain("user john.doe does not exist").plain


@pytest.mark.parametrize(
    ("status", "category"),
    [
        ("5.7.606", Category.REPUTATION_BLOCK),
        ("5.7.649", Category.REPUTATION_BLOCK),
        ("5.7.650", None),
        ("4.7.500", Category.REPUTATION_BLOCK),
        ("4.7.699", Category.REPUTATION_BLOCK),
        ("4.7.850", Category.REPUTATION_BLOCK),
        ("5.7.500", None),
        ("4.7.28", Category.RATE_LIMITED),
        ("5.7.28", Category.REPUTATION_BLOCK),
        ("4.7.26", Category.AUTH_FAILURE),
        ("5.1.1", None),
    ],
)
def test_some_codes_leave_no_doubt(status: str, category: Category | None) -> None:
    assert certain(status) is category


@pytest.mark.parametrize(
    ("status", "reply", "category"),
    [
        ("5.1.1", "550", Category.USER_UNKNOWN),
        ("5.4.4", "", Category.HOST_UNKNOWN),
        ("4.4.4", "", Category.UNREACHABLE),
        ("", "556", Category.HOST_UNKNOWN),
        ("", "552", Category.MAILBOX_FULL),
        ("5.0.0", "550", None),
    ],
)
def test_other_codes_are_only_likely(status: str, reply: str, category: Category | None) -> None:
    assert likely(status, reply) is category
