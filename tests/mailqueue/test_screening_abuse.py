"""What abuse looks like beyond the guide: each rule, and the honest mail that comes near it."""

import pytest

from mailqueue.screening import Context, Finding, screen
from mailqueue.screening.deceit import is_random
from mailqueue.screening.hosts import is_address, registered

WORDS = "Bonjour, votre rendez-vous est confirmé pour demain à neuf heures, à bientôt. " * 4


def message(
    body: str = WORDS,
    *,
    subject: str = "Votre rendez-vous",
    sender: str = "Cabinet <rdv@cabinet.example>",
    extra: str = "",
) -> bytes:
    """A message of a site; what begins with < is a page."""
    kind = "text/html" if body.startswith("<") else "text/plain"
    return (
        f"From: {sender}\r\nSubject: {subject}\r\n{extra}MIME-Version: 1.0\r\n"
        f"Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    ).encode()


def rules(data: bytes, context: Context | None = None) -> dict[str, Finding]:
    """The findings by rule."""
    return {finding.rule: finding for finding in screen(data, context).findings}


@pytest.mark.parametrize(
    ("sender", "is_found"),
    [
        ("PayPal <info@boulangerie.example>", True),
        ("PayPal Service <info@boulangerie.example>", True),
        ("PayPal <service@paypal.com>", False),
        ("PayPal <service@mail.paypal.fr>", False),
        ("Crédit Agricole <info@boulangerie.example>", True),
        ("Apple Support <info@boulangerie.example>", True),
        ("Apple Tree Farm <info@boulangerie.example>", False),
        ("Hermes Reisen <info@boulangerie.example>", False),
        ("Papaypal <info@boulangerie.example>", False),
        ("Boulangerie Petit <info@boulangerie.example>", False),
    ],
)
def test_a_sender_in_the_name_of_a_brand(sender: str, is_found: bool) -> None:
    assert ("brand_sender" in rules(message(sender=sender))) is is_found


def test_a_shop_that_sells_a_brand_is_no_lure() -> None:
    body = f'<p>{WORDS}</p><a href="https://vinted-fans.example/a">Voir</a>'
    own = rules(message(body, sender="Vinted Fans <a@vinted-fans.example>"))
    assert "brand_lure" not in own
    assert not screen(message(body, sender="Vinted Fans <a@vinted-fans.example>")).is_spam
    away = message(
        body.replace("vinted-fans.example/a", "gratuit.example/b"),
        sender="Vinted <a@vinted-fans.example>",
    )
    assert "brand_lure" in rules(away)


@pytest.mark.parametrize(
    ("link", "is_found"),
    [
        ('<a href="http://paypal.com.evil.example/x">ici</a>', True),
        ('<a href="http://secure-paypal.example/x">ici</a>', True),
        ('<a href="http://evil.example/x">www.paypal.com</a>', True),
        ('<a href="https://www.paypal.com/x">www.paypal.com</a>', False),
        ('<a href="https://cabinet.example/paypal.com">payer avec PayPal</a>', False),
        ('<a href="https://orange-amere.example/">ici</a>', False),
    ],
)
def test_a_link_that_imitates_a_brand(link: str, is_found: bool) -> None:
    assert ("brand_link" in rules(message(f"<p>{WORDS}</p>{link}"))) is is_found


@pytest.mark.parametrize(
    ("href", "rule"),
    [
        ("http://bit.ly/3abc", "link_short"),
        ("https://script.google.com/macros/x", "link_shared"),
        ("https://shop.pages.dev/", "link_shared"),
        ("http://203.0.113.9/login", "link_address"),
        ("http://example.org:8888/", "link_address"),
        ("http://www.paypal.com@example.org/", "link_user"),
        ("http://gagnez.top/", "link_cheap"),
        ("https://cabinet.example/wp-content/uploads/2024/secure/login.php", "link_planted"),
        ("https://cabinet.example/.well-known/bank/index.html", "link_planted"),
        ("data:text/html;base64,PGI+", "link_code"),
    ],
)
def test_links_that_spam_likes(href: str, rule: str) -> None:
    assert rule in rules(message(f'<p>{WORDS}</p><a href="{href}">ici</a>'))


@pytest.mark.parametrize(
    "href",
    [
        "https://cabinet.example/",
        "https://cabinet.example/wp-content/uploads/2024/03/menu.pdf",
        "https://cabinet.example/wp-login.php?action=rp&key=x",
        "https://cabinet.example/images/photo.jpg",
        "https://cabinet.example:8443/",
        "https://www.laposte.fr/outils/suivre-vos-envois?code=6A",
        "https://rendezvous.monbit.ly.example/",
    ],
)
def test_ordinary_links_are_fine(href: str) -> None:
    assert rules(message(f'<p>{WORDS}</p><a href="{href}">ici</a>')) == {}


def test_links_to_the_sites_of_the_account_are_its_own() -> None:
    data = message(f'<p>{WORDS}</p><a href="https://boutique.top/">ici</a>')
    assert "link_cheap" in rules(data)
    assert "link_cheap" not in rules(data, Context(own_domains=frozenset({"boutique.top"})))


def test_little_more_than_a_link_to_another_site() -> None:
    assert "only_link" in rules(message("Regarde https://ailleurs.example/photo"))
    assert "only_link" not in rules(message("Regarde https://cabinet.example/photo"))
    assert "only_link" not in rules(message(f"{WORDS} https://ailleurs.example/photo"))


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("Achetez du v1agra et du c1alis", True),
        ("V.I.A.G.R.A et C-A-S-I-N-O", True),
        ("Gagnez au C a s i n o, fr33 m0ney", True),
        ("v\u0456agr\u0430 et c\u0430sin\u043e p\u0430ypal", True),
        ("c\u200ba\u200bs\u200bi\u200bn\u200bo", True),
        ("via<!-- a -->gra ca<!-- b -->sino ro<!-- c -->lex", True),
        ("Le vol AF1234, la salle B12 et le code promo ETE2026", False),
        ("N O T E : le S A V est ouvert", False),
        ("Contactez M. A. B. Martin, tél. 0 1 2 3", False),
        ("Windows 11 et Office365, office1, stock2, account1", False),
        ("Москва и Paris, кВт и µg, Ω et α", False),
        ("می\u200cخواهم نامه\u200cها کتاب\u200cها می\u200cروم خانه\u200cها", False),
        ("👨\u200d👩\u200d👧 famille 👩\u200d💻 travail", False),
        ("Donau\u00addampf\u00adschiff\u00adfahrts\u00adgesell\u00adschaft", False),
    ],
)
def test_words_in_disguise(text: str, is_found: bool) -> None:
    body = f"<p>{WORDS}</p><p>{text}</p>" if "<!--" in text else f"{WORDS} {text}"
    found = rules(message(body)).keys() & {"disguised_word", "mixed_scripts", "invisible_signs"}
    assert bool(found) is is_found


SALAD = " ".join(f"{word}{number}x" for number in range(20) for word in ("harbour", "apple"))


@pytest.mark.parametrize(
    ("style", "is_found"),
    [
        ("display:none", True),
        ("font-size:1px", True),
        ("color:#ffffff", True),
        ("position:absolute;left:-9999px", True),
        ("max-height:0;overflow:hidden", True),
        ("visibility:hidden", True),
        ("font-size:12px;color:#999", False),
    ],
)
def test_text_that_nobody_can_see(style: str, is_found: bool) -> None:
    body = f'<p>Voici la photo</p><div style="{style}">{SALAD}</div>'
    assert ("hidden_text" in rules(message(body))) is is_found


def test_a_version_for_small_screens_says_the_same_again() -> None:
    body = f'<p>{WORDS}</p><div class="mobile" style="display:none">{WORDS}</div>'
    assert rules(message(body)) == {}


def test_an_image_map_of_a_sites_own_pages_is_fine() -> None:
    areas = '<area href="https://cabinet.example/a" alt="Plan">' * 3
    body = f'<img src="cid:plan" usemap="#m" alt="Plan"><map name="m">{areas}</map>'
    assert rules(message(f"<p>Voici le plan d'accès</p>{body}")) == {}
    away = body.replace("cabinet.example", "ailleurs.example")
    found = screen(message(f"<p>Voici le plan d'accès</p>{away}"))
    assert {"image_link", "only_link"} <= {finding.rule for finding in found.findings}
    assert not found.is_spam


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<form action="https://x.example/"><input type="password"></form>', "form"),
        ("<script>document.location='https://x.example'</script>", "script"),
        ('<iframe src="https://x.example"></iframe>', "script"),
        ('<meta http-equiv="refresh" content="0;url=https://x.example">', "script"),
    ],
)
def test_what_does_not_belong_into_mail(body: str, rule: str) -> None:
    assert rule in rules(message(f"<p>{WORDS}</p>{body}"))


def test_structured_data_for_mail_programs_is_no_script() -> None:
    data = '{"@context": "https://schema.org", "@type": "Order"}'
    body = f'<p>{WORDS}</p><script type="application/ld+json">{data}</script>'
    assert rules(message(body)) == {}


@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        ("X-PHP-Originating-Script: 33:a.php(1) : eval()'d code\r\n", "injected_script"),
        ("X-PHP-Originating-Script: 33:wp-content/uploads/x.php\r\n", "injected_script"),
        ("X-Mailer: Leaf PHPMailer 2.7 (leafmailer.pw)\r\n", "shell_mailer"),
        ("Reply-To: gagnant@gmail.com\r\n", "reply_elsewhere"),
    ],
)
def test_what_headers_give_away(extra: str, rule: str) -> None:
    assert rule in rules(message(extra=extra))


def test_ordinary_scripts_and_mailers_are_fine() -> None:
    extra = "X-PHP-Originating-Script: 10005:PHPMailer.php\r\nX-Mailer: PHPMailer 6.9.3\r\n"
    assert rules(message(extra=extra)) == {}


def test_an_answer_needs_something_that_it_answers() -> None:
    assert "false_reply" in rules(message(subject="Re: votre demande"))
    thread = "In-Reply-To: <1@mail.example>\r\n"
    assert "false_reply" not in rules(message(subject="Re: votre demande", extra=thread))
    own = "Message-ID: <1@cabinet.example>\r\nIn-Reply-To: <1@cabinet.example>\r\n"
    assert "false_reply" in rules(message(extra=own))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("xkqzvbt", True),
        ("a8f3k2q9x", True),
        ("contact", False),
        ("no-reply", False),
        ("jean.dupont1972", False),
        ("www-data", False),
        ("schwartzkopf", False),
        ("web2024", False),
        ("0612345678", False),
        ("bounces+812-a8f3k2q9x=mail.example", False),
    ],
)
def test_senders_that_look_drawn_by_lot(local: str, expected: bool) -> None:
    assert is_random(local) is expected


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("Viagra and Cialis, no prescription, lowest prices", "pills"),
        ("200 free spins, casino, play now", "gambling"),
        (
            "Sofortkredit ohne Schufa, Kredit ohne Bonitätsprüfung, jetzt bewerben: Darlehen, "
            "kontaktieren Sie uns",
            "loan",
        ),
    ],
)
def test_a_topic_needs_phrases_that_meet(body: str, rule: str) -> None:
    assert rule in rules(message(body))
    first, _, rest = body.partition(", ")
    apart = f"{first}. {'Un mot de plus. ' * 150}{rest.replace(', ', ' une pause ' * 150)}"
    assert rule not in rules(message(apart))


def test_one_word_is_no_topic() -> None:
    for word in ("Viagra", "Casino", "Bitcoin", "Nigeria", "Rolex", "SEO", "Kredit"):
        assert rules(message(f"{WORDS} {word}")) == {}


def test_a_site_may_ask_for_the_password_of_its_own_accounts() -> None:
    text = (
        "<p>Dear customer, your account has been suspended. Please verify your account within 24 "
        'hours and update your password: <a href="https://%s/login">click here</a></p>'
    )
    own = rules(message(text % "cabinet.example"))["credentials"].score
    away = rules(message(text % "evil.example"))["credentials"].score
    assert own < 2 < 4 < away


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.shop.example", "shop.example"),
        ("a.b.co.uk", "b.co.uk"),
        ("impots.gouv.fr", "impots.gouv.fr"),
        ("www.impots.gouv.fr", "impots.gouv.fr"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_domain_that_a_host_belongs_to(host: str, domain: str) -> None:
    assert registered(host) == domain
    assert is_address(host) is (host == domain == "192.0.2.1")
