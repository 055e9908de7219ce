"""Each habit that the guide advises against: at its boundary, near misses, on honest mail too."""

import base64

import pytest

from mailqueue.screening import RULES, THRESHOLD, Context, Finding, Listing, screen
from mailqueue.screening.catalogue import MALWARE, guide
from mailqueue.screening.guide import blank_share, capital_words

WORDS = "Bonjour, votre rendez-vous est confirmé pour demain à neuf heures, à bientôt."


def message(
    subject: str | None = "Votre rendez-vous",
    body: str = WORDS,
    kind: str = "text/plain",
    extra: str = "",
) -> bytes:
    """A message of a site, complete."""
    head = "" if subject is None else f"Subject: {subject}\r\n"
    return (
        f"From: Cabinet <rdv@cabinet.example>\r\nTo: a@b.example\r\n{head}"
        f"Date: Thu, 12 Mar 2026 14:07:00 +0100\r\nMessage-ID: <1@cabinet.example>\r\n{extra}"
        f"MIME-Version: 1.0\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


def page(body: str, head: str = "") -> bytes:
    """A message that is a page."""
    return message(body=f"<html><head>{head}</head><body>{body}</body></html>", kind="text/html")


def rules(data: bytes, context: Context | None = None) -> dict[str, Finding]:
    """The findings by rule."""
    return {finding.rule: finding for finding in screen(data, context).findings}


def test_plain_honest_mail_has_no_findings() -> None:
    assert screen(message()).findings == ()
    assert screen(page(f"<p>{WORDS}</p>")).findings == ()


def test_no_single_habit_of_the_guide_makes_a_verdict() -> None:
    for rule in guide.RULES:
        assert (rule.weight < THRESHOLD) is (rule.id not in MALWARE), rule.id


@pytest.mark.parametrize(
    ("subject", "is_found"),
    [
        ("DERNIERS JOURS DE soldes", True),
        ("ALERTE ROUGE EN COURS", True),
        ("DERNIERS JOURS de soldes", False),
        ("Facture EDF et GDF", False),
        ("[NEWS INFO ALERTE] Votre commande", False),
        ("A B C D", False),
        ("L'ÉTÉ EST LÀ", True),
        ("ВНИМАНИЕ СРОЧНО ОПЛАТА", True),
        ("重要なお知らせ", False),
        ("12 345 678", False),
    ],
)
def test_three_words_in_capitals_in_the_subject(subject: str, is_found: bool) -> None:
    assert ("subject_capitals" in rules(message(subject))) is is_found


def test_tags_in_brackets_are_no_words_of_the_subject() -> None:
    assert capital_words("[ABC DEF] Hello WORLD") == ["WORLD"]


@pytest.mark.parametrize("subject", [None, "", "   "])
def test_no_subject(subject: str | None) -> None:
    assert rules(message(subject))["no_subject"].where == "subject"


@pytest.mark.parametrize(
    ("body", "is_found"), [("", True), (" \r\n\t\r\n", True), (".", False), ("ok", False)]
)
def test_no_text(body: str, is_found: bool) -> None:
    assert ("no_text" in rules(message(body=body))) is is_found


def test_encrypted_mail_has_a_text_that_nobody_reads() -> None:
    body = "--x\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--x--"
    verdict = screen(message(body=body, kind='multipart/encrypted; boundary="x"'))
    assert verdict.findings == ()
    armoured = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA8\r\n-----END PGP MESSAGE-----"
    assert screen(message(body=armoured)).findings == ()


def with_image(size: int, words: str, count: int = 1) -> bytes:
    """A message with images of a size."""
    image = base64.encodebytes(b"\x89PNG" + bytes(size - 4)).decode()
    part = f"--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{image}\r\n"
    text = f"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    return message(body=text + part * count + "--x--", kind='multipart/mixed; boundary="x"')


@pytest.mark.parametrize(
    ("size", "words", "count", "is_found"),
    [
        (1_001_000, "Voici la photo", 1, True),
        (999_000, "Voici la photo", 1, False),
        (1_001_000, "mot " * 20, 1, False),
        (1_001_000, "mot " * 19, 1, True),
        (1_001_000, "Voici les photos", 2, False),
    ],
)
def test_one_large_image_and_a_few_words(size: int, words: str, count: int, is_found: bool) -> None:
    assert ("image_only" in rules(with_image(size, words, count))) is is_found


@pytest.mark.parametrize(
    ("subject", "score"),
    [
        ("Hi Marie", 0.4),
        ("FREE shipping", 0.8),
        ("BUYING guide", 0.8),
        ("Buy two, get one", 0.4),
        ("Re: FREE tickets", 0.8),
        ("[Blog] Free time", 0.4),
        ("Hiking on Sunday", 0),
        ("Freedom day", 0),
        ("Buyer's guide", 0),
        ("History club", 0),
        ("Are you free?", 0),
    ],
)
def test_a_subject_that_begins_as_spam_does(subject: str, score: float) -> None:
    found = rules(message(subject)).get("subject_opening")
    assert (found.score if found else 0) == score


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("mot" * 100 + " " * 702, True),
        ("mot" * 100 + " " * 701, False),
        ("ok" + "\r\n" * 400, True),
        ("ok" + "\r\n" * 40, False),
        ("mot" * 100 + "\u3000" * 702, True),
    ],
)
def test_more_than_seventy_percent_blanks(body: str, is_found: bool) -> None:
    assert ("blank" in rules(message(body=body + "."))) is is_found


def test_the_share_of_blanks_is_exact() -> None:
    assert blank_share("abc       ") == 0.7
    assert blank_share("") == 0


def test_indented_source_of_a_page_is_not_blank_for_its_reader() -> None:
    rows = "".join(f"<tr>{' ' * 400}<td>\n{' ' * 400}{WORDS}</td></tr>" for _ in range(5))
    assert "blank" not in rules(page(f"<table>{rows}</table>"))
    assert "blank" in rules(page("<p>Regardez</p>" + "&nbsp;" * 500 + "<p>ici</p>"))


LONG = "Ouvrez tout de suite votre cadeau incroyable"


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        (f'<p style="font-size:57px">{LONG}</p>', True),
        (f'<p style="font-size:56px">{LONG}</p>', False),
        (f'<p style="font-size:43pt">{LONG}</p>', True),
        (f'<p style="font-size:4em">{LONG}</p>', True),
        (f'<div style="font-size:200%"><p style="font-size:200%">{LONG}</p></div>', True),
        (f'<p style="font: bold 80px Arial">{LONG}</p>', True),
        (f'<font size="7">{LONG}</font>', False),
        (f"<h1>{LONG}</h1>", False),
        ('<p style="font-size:72px">482 913</p>', False),
    ],
)
def test_enormous_letters(body: str, is_found: bool) -> None:
    assert ("huge_font" in rules(page(body + WORDS))) is is_found


def test_a_style_sheet_can_make_letters_enormous() -> None:
    sheet = "<style>p.big, #x { font-size: 5em }</style>"
    assert "huge_font" in rules(page(f'<p class="big">{LONG}</p>', sheet))
    assert "huge_font" not in rules(page(f'<div class="big">{LONG}</div>', sheet))


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        (f'<p style="color:#fff">{LONG}</p>', True),
        (f'<p style="color:#fefefe">{LONG}</p>', True),
        (f'<p style="color:#eeeeee">{LONG}</p>', True),
        (f'<p style="color:#cccccc">{LONG}</p>', False),
        (f'<font color="white">{LONG}</font>', True),
        (f'<table bgcolor="#123456"><tr><td style="color:#123455">{LONG}</td></tr></table>', True),
        (f'<table bgcolor="#123456"><tr><td style="color:#fff">{LONG}</td></tr></table>', False),
        (f'<div style="background:rgb(0,0,0)"><p style="color:black">{LONG}</p></div>', True),
        (f'<div style="background:url(a.png)"><p style="color:#fff">{LONG}</p></div>', False),
        (f'<div style="background:var(--x)"><p style="color:#fff">{LONG}</p></div>', False),
        (f'<a href="https://cabinet.example/" style="color:#fff">{LONG}</a>', True),
        ('<p style="color:#fff">court</p>', False),
    ],
)
def test_text_in_the_colour_of_its_background(body: str, is_found: bool) -> None:
    assert ("same_colour" in rules(page(f"<p>{WORDS}</p>{body}"))) is is_found


def test_style_sheets_and_the_body_tell_colours_too() -> None:
    sheet = "<style>/* a */ body{background-color:#000} .w{color:#010101}</style>"
    assert "same_colour" in rules(
        page(f'<p style="color:#fff">{WORDS}</p><p class="w">{LONG}</p>', sheet)
    )
    body = (
        f'<html><body bgcolor="black" text="#000000"><p style="color:red">{WORDS}</p>{LONG}</body>'
    )
    assert "same_colour" in rules(message(body=body, kind="text/html"))


def test_dark_mode_and_what_cannot_be_told_is_not_held_against_anybody() -> None:
    dark = (
        "<style>@media (prefers-color-scheme: dark){ p{color:#fff} body{background:#000} }</style>"
    )
    assert screen(page(f"<p>{WORDS}</p>", dark)).findings == ()
    nested = "<style>.footer td p {color:#ffffff}</style>"
    assert screen(page(f"<table><tr><td><p>{WORDS}</p></td></tr></table>", nested)).findings == ()


def test_a_preheader_is_hidden_by_custom() -> None:
    hidden = f'<div style="color:#fff;font-size:1px">{LONG} {"&zwnj;&nbsp;" * 80}</div>'
    assert screen(page(f"{hidden}<p>{WORDS}</p>")).findings == ()


@pytest.mark.parametrize(
    ("answer", "is_found"),
    [
        ("127.0.0.2", True),
        ("127.0.1.4", True),
        ("127.255.255.254", False),
        ("127.255.255.252", False),
        ("192.0.2.1", False),
        ("", False),
    ],
)
def test_an_error_of_a_reputation_list_is_no_listing(answer: str, is_found: bool) -> None:
    listing = Listing("zen.example", "198.51.100.7", answer)
    assert ("listed" in rules(message(), Context(listings=(listing,)))) is is_found


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("From: other@cabinet.example\r\n", "header_repeated"),
        ("Subject: Encore\r\n", "header_repeated"),
        ("X-Title: été\r\n", "header_bytes"),
        ("Content-Transfer-Encoding: 9bit\r\n", "header_mime"),
        ("Reply-To: Marie\r\n", "header_address"),
        ("Reply-To: Marie <marie>\r\n", "header_address"),
    ],
)
def test_a_header_against_the_standards(line: str, rule: str) -> None:
    assert rules(message(extra=line))[rule].where == "header"


@pytest.mark.parametrize(
    "line",
    [
        "Reply-To: Marie Dupont <marie.dupont+site@mail.example>\r\n",
        "Reply-To: marie@mail.example (Marie)\r\n",
        "X-Title: =?utf-8?q?=C3=A9t=C3=A9?=\r\n",
        "Received: from a by b\r\nReceived: from c by d\r\n",
        "X-Twice: a\r\nX-Twice: b\r\n",
    ],
)
def test_headers_that_only_look_odd_are_fine(line: str) -> None:
    assert screen(message(extra=line)).findings == ()


def test_dates_and_ids_are_read_as_the_standards_say() -> None:
    good = message()
    bad_date = good.replace(b"Thu, 12 Mar 2026 14:07:00 +0100", b"demain vers midi")
    assert "header_date" in rules(bad_date)
    assert "header_id" in rules(good.replace(b"<1@cabinet.example>", b"1234"))


def test_what_the_relay_added_is_never_held_against_the_message() -> None:
    data = message().replace(b"<1@cabinet.example>", b"1234")
    assert "header_id" not in rules(data, Context(added=frozenset({"message-id"})))
    without = message().replace(b"From: Cabinet <rdv@cabinet.example>\r\n", b"")
    assert "header_address" in rules(without)


def test_many_faults_of_headers_are_one_fault_of_one_script() -> None:
    data = message(extra="From: x\r\nX-A: é\r\nReply-To: y\r\nContent-Transfer-Encoding: z\r\n")
    assert screen(data).score <= 1.5


@pytest.mark.parametrize(
    ("href", "is_found"),
    [
        ("http://", True),
        ("https:///page", True),
        ("http://exemple", True),
        ("http://a..example/", True),
        ("page.html", True),
        ("", True),
        ("https://cabinet.example/été?a=b#c", False),
        ("http://192.0.2.1/", False),
        ("//cabinet.example/", False),
        ("mailto:a@b.example", False),
        ("tel:+33100000000", False),
        ("#top", False),
        ("https://étude.example/", False),
    ],
)
def test_a_link_that_leads_nowhere(href: str, is_found: bool) -> None:
    found = rules(page(f'<p>{WORDS}</p><a href="{href}">notre page</a>'))
    assert ("link_invalid" in found) is is_found


@pytest.mark.parametrize(
    ("shown", "href", "score"),
    [
        ("www.banque.example", "https://piege.example/", 1.5),
        ("https://banque.example/compte", "https://piege.example/", 1.5),
        ("www.banque.example", "https://espace.banque.example/", 0),
        ("banque.example", "https://cabinet.example/clic?u=1", 0.45),
        ("notre site", "https://piege.example/", 0),
        ("facture.pdf", "https://piege.example/", 0),
        ("Écrivez à Jean.Petit", "https://piege.example/", 0),
    ],
)
def test_a_link_that_shows_another_site(shown: str, href: str, score: float) -> None:
    found = rules(page(f'<p>{WORDS}</p><a href="{href}">{shown}</a>')).get("link_text")
    assert (found.score if found else 0) == pytest.approx(score)


def test_click_tracking_of_a_newsletter_is_a_weak_sign() -> None:
    body = f'<p>{WORDS}</p><a href="https://clic.routeur.example/1">www.cabinet.example</a>'
    data = message(
        body=body, kind="text/html", extra="List-Unsubscribe: <https://routeur.example/u>\r\n"
    )
    assert rules(data)["link_text"].score < 0.5


def test_dead_hosts_and_hosts_without_https_come_from_outside() -> None:
    data = message(body=f"{WORDS} https://vieux.example/a http://nu.example/ https://nu2.example/")
    assert not {"link_dead", "link_insecure"} & rules(data).keys()
    context = Context(
        dead_hosts=frozenset({"vieux.example"}),
        hosts_without_https=frozenset({"nu.example", "nu2.example"}),
    )
    found = rules(data, context)
    assert found["link_dead"].about == "vieux.example"
    # http:// promises nothing.
    assert found["link_insecure"].about == "nu2.example"


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("Free porn: milf, blowjob, creampie, hardcore xxx videos", True),
        ("Vidéos porno gratuites, salopes et fellation", True),
        ("Kostenlose Pornofilme: Schlampen ficken", True),
        ("無修正のエロ動画、人妻と熟女の中出し", True),
        ("Cours d'éducation sexuelle au collège : le sexe, le consentement et la loi.", False),
        ("Dick Cheney graduated magna cum laude in Essex and Scunthorpe.", False),
        (f"{WORDS} " * 60 + "Un visiteur a écrit « porno ».", False),
        ("Le planning familial : pénis, vagin, orgasme, masturbation, expliqués.", False),
    ],
)
def test_pornographic_terms_are_scored_by_density(body: str, is_found: bool) -> None:
    assert ("pornographic" in rules(message(body=body))) is is_found


def test_weights_of_an_account_change_and_switch_off_rules() -> None:
    data = message("DERNIERS JOURS DE SOLDES")
    half = rules(data, Context(weights={"subject_capitals": 0.5}))
    assert half["subject_capitals"].score == pytest.approx(0.6)
    assert rules(data, Context(weights={"subject_capitals": 0})) == {}


def test_weights_add_up_with_what_was_seen_elsewhere() -> None:
    seen = Finding("changing_links", 4.5, "history", {"what": "mail.php", "count": "30"})
    data = message("DERNIERS JOURS DE SOLDES")
    assert not screen(data).is_spam
    verdict = screen(data, Context(observed=(seen,)))
    assert verdict.is_spam
    assert verdict.score == pytest.approx(5.7)
    assert verdict.findings[0] == seen
    assert not screen(data, Context(observed=(seen,), threshold=6)).is_spam
    tuned = Context(observed=(seen,), weights={"changing_links": 0.5})
    assert screen(data, tuned).score == pytest.approx(1.2 + 2.25)


def test_every_rule_has_words() -> None:
    for rule in RULES.values():
        assert rule.title
        assert rule.advice.endswith((".", "%(what)s.", ")."))
