"""What robots leave behind: each rule at its boundary, and the honest mail that comes near it."""

import pytest

from mailqueue.screening import Context, Finding, screen, topics
from mailqueue.screening.brands import BRANDS, is_bait
from mailqueue.screening.joints import JOINTS
from tests.mailqueue.test_screening_abuse import WORDS, message, rules


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("Hello Get 4 BTC https://pay.example/x?hs=1, thank you for your message.", True),
        ("Bonjour Gagnez 4 500 $. Voir https://pay.example/x, merci de votre message.", True),
        ("Bonjour www.pay.example/x, merci de votre message.", True),
        ("Здравствуйте Приз https://pay.example/x, спасибо за заявку.", True),
        ('<p>Dear <a href="https://pay.example/x">casino bonus</a>, thank you.</p>', True),
        # A name, and a link that is meant.
        ("Bonjour Claire, voici le lien https://pay.example/x, à demain.", False),
        ("Bonjour,\nvoici le lien https://pay.example/x, à demain.", False),
        ("Bonjour Claire ! https://pay.example/x, à demain.", False),
        ("Hello Marie, see you tomorrow.", False),
        ("Hellonews https://pay.example/x, enjoy.", False),
        # Its own page.
        ("Bonjour https://cabinet.example/x, merci de votre message.", False),
        ('<p>Dear Marie, <a href="https://pay.example/x">the photos</a>, as promised.</p>', False),
    ],
)
def test_a_greeting_whose_name_is_a_link(body: str, is_found: bool) -> None:
    assert ("name_link" in rules(message(body))) is is_found


@pytest.mark.parametrize(
    ("subject", "extra", "is_found"),
    [
        ("Process 1 BTC at graph.org/x-02?hs=1", "", True),
        ("Bonus https://pay.example/", "", True),
        ("Votre commande sur cabinet.example/panier", "", False),
        ("Panne : boutique.example", "", False),
        ("Écrire à marie@boutique.example/compta", "", False),
        ("Réunion 12/03 à 14h", "", False),
        ("Nouvel article : https://pay.example/a", "List-Id: <a.example>\r\n", False),
    ],
)
def test_a_link_in_the_subject(subject: str, extra: str, is_found: bool) -> None:
    assert ("subject_link" in rules(message(subject=subject, extra=extra))) is is_found


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("[url=https://pay.example]casino[/url]", True),
        ("[URL]http://pay.example[/URL]", True),
        ("[link=https://pay.example]casino[/link]", True),
        ("Remplacez [url] par l'adresse de la page", False),
        ("[url=page]ici[/url]", False),
        ("tableau[url]=https", False),
    ],
)
def test_links_in_the_markup_of_forums(text: str, is_found: bool) -> None:
    assert ("forum_markup" in rules(message(f"{WORDS} {text}"))) is is_found


SALAD = "harbour wooden letter seven quiet morning river candle"


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (f"{SALAD} https://pay.example/x", True),
        # Seven words, a word that joins them, no link to strangers, too many words.
        (f"{SALAD.rpartition(' ')[0]} https://pay.example/", False),
        (f"{SALAD} for you https://pay.example/x", False),
        (f"{SALAD} pour vous https://pay.example/x", False),
        (f"{SALAD} https://cabinet.example/x", False),
        (SALAD, False),
        (f"{SALAD * 11} https://pay.example/x", False),
        ("ご注文の商品を本日発送いたしました 配送状況 https://pay.example/x", False),
        ("Ваш заказ отправлен сегодня утром почтой первого класса https://pay.example/x", False),
    ],
)
def test_words_drawn_by_lot_around_a_link(text: str, is_found: bool) -> None:
    data = message(text, subject="Seven")
    assert ("word_salad" in rules(data)) is is_found


@pytest.mark.parametrize(
    ("links", "is_found"),
    [
        ("https://a.top/ https://b.icu/", True),
        ("https://bit.ly/a https://secure-login.example/", True),
        ("https://a.top/1 https://www.a.top/2", False),
        ("https://a.top/ https://www.laposte.fr/", False),
        ("https://t.me/club https://wa.me/33600000000 https://linktr.ee/club", False),
    ],
)
def test_several_hosts_that_are_used_once(links: str, is_found: bool) -> None:
    assert ("many_cheap" in rules(message(f"Voici pour vous : {links}"))) is is_found
    assert "many_cheap" not in rules(message(f"{WORDS * 2} {links}"))


@pytest.mark.parametrize(
    ("href", "is_found"),
    [
        ("https://pay.example/x#claire@mail.example", True),
        ("https://pay.example/x#u=claire%40mail.example", True),
        ("https://pay.example/x?email=claire@mail.example", False),
        ("https://pay.example/x#contact", False),
        ("https://pay.example/@claire#top", False),
    ],
)
def test_a_link_that_carries_the_recipients_address(href: str, is_found: bool) -> None:
    found = rules(message(f'<p>{WORDS}</p><a href="{href}">ici</a>'))
    assert ("link_recipient" in found) is is_found


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("secure-login.example", True),
        ("www.vinted-paiement.example", True),
        ("carte-vitale-2026.example", True),
        ("carte-postale.example", False),
        ("amende-dossier.example", True),
        ("suivi.example", False),
        ("saint-client.example", False),
        ("login-secure.pages.dev", False),
        ("login-secure.boulangerie.example", False),
    ],
)
def test_hosts_that_are_named_like_a_lure(host: str, expected: bool) -> None:
    assert is_bait(host) is expected
    found = rules(message(f'<p>{WORDS}</p><a href="https://{host}/">ici</a>'))
    assert ("link_bait" in found) is expected


@pytest.mark.parametrize(
    ("href", "is_found"),
    [
        ("https://cabinet.example/wp-includes/js/x/?e=1", True),
        ("https://cabinet.example/wp-admin/css/colors/ds/", True),
        ("https://cabinet.example/wp-admin/", False),
        ("https://cabinet.example/wp-admin/post.php?post=12", False),
        ("https://cabinet.example/wp-content/uploads/2026/", False),
        ("https://cabinet.example/wp-includes/js/jquery.js", False),
    ],
)
def test_folders_of_programs_have_no_page(href: str, is_found: bool) -> None:
    found = rules(message(f'<p>{WORDS}</p><a href="{href}">ici</a>'))
    assert ("link_planted" in found) is is_found


OFFER = "Casino : bonus de bienvenue, tours gratuits. Inscrivez-vous et gagnez. "


@pytest.mark.parametrize(
    ("contact", "is_found"),
    [
        ("Écrivez sur WhatsApp", True),
        ("Écrivez à bonus@gmail.com", True),
        ("Écrivez à bonus@cabinet.example", False),
        ("Écrivez à bonus@gmail.com.cabinet.example", False),
        ("Appelez-nous", False),
    ],
)
def test_answers_to_a_messenger_count_only_where_something_is_sold(
    contact: str, is_found: bool
) -> None:
    assert ("contact_elsewhere" in rules(message(OFFER + contact))) is is_found
    assert "contact_elsewhere" not in rules(message(f"{WORDS} {contact}"))


def test_the_end_of_a_subject_may_be_polish() -> None:
    assert "subject_tail" not in rules(message(subject="Paczka wstrzymana"))
    assert "subject_tail" in rules(message(subject="Paczka teoqknmp"))
    assert "subject_tail" in rules(message(subject="Paczka a8f3k2q9x"))


LURES = [
    ("payout_lure", "Withdraw: deposit available, $ 3222. {link}"),
    ("payout_lure", "Вам одобрена выплата 84562 рублей. Получить: {link}"),
    ("fine_lure", "Votre amende sera majorée. À défaut de règlement, payer en ligne : {link}"),
    ("fine_lure", "Uw openstaande schuld: betaal vandaag nog, anders komt de deurwaarder. {link}"),
    ("renewal_lure", "Votre nom de domaine sera supprimé. Renouvelez : {link}"),
    ("parcel_lure", "Twoja paczka wstrzymana: dopłać, inaczej wróci do nadawcy. Kliknij {link}"),
    (
        "credentials",
        "Caro cliente, a sua conta foi bloqueada: confirme os seus dados imediatamente. {link}",
    ),
]


@pytest.mark.parametrize(("rule", "text"), LURES)
def test_a_lure_counts_in_full_only_where_it_leads_to_strangers(rule: str, text: str) -> None:
    away = _score(message(text.format(link="https://pay.example/x")), rule)
    own = _score(message(text.format(link="https://cabinet.example/x")), rule)
    none = _score(message(text.format(link="")), rule)
    brand = _score(message(text.format(link="https://www.ovh.com/manager")), rule)
    assert away > 3
    assert own < 1.3
    assert none < 1.3
    assert brand < 1.3


OFFERS = [
    ("gambling", "Лучшее казино: бездепозитный бонус, фриспины, играйте на деньги"),
    ("gambling", "Kasyno online: darmowe spiny bez depozytu, graj teraz"),
    ("gambling", "Cassino online: rodadas grátis sem depósito, jogue agora"),
    ("loan", "Pożyczka bez BIK, bez zaświadczeń, kontakt"),
    ("loan", "Займ онлайн на карту без отказа, оформить заявку"),
    ("pills", "Виагра без рецепта, купить"),
    ("prize", "Parabéns, você foi selecionado: iPhone, pague somente o frete, só hoje"),
    ("job_lure", "Thuiswerk via je telefoon, geen ervaring, dagelijks uitbetaald, WhatsApp"),
    ("job_lure", "Remote job, no experience, paid daily, write on Telegram"),
    ("seo_offer", "Продвижение сайта в топ: прогон, вечные ссылки, недорого"),
    ("address_lists", "Рассылка: базы email, миллион адресов, недорого"),
    ("extortion", "Zhakowałem i nagrałem cię kamerą. Przelej bitcoin, inaczej wyślę nagranie"),
    ("recovery_lure", "I lost 9,000 USD; a recovery expert helped. Contact them on WhatsApp"),
]


@pytest.mark.parametrize(("rule", "text"), OFFERS)
def test_offers_are_known_in_further_languages(rule: str, text: str) -> None:
    assert _score(message(text), rule) > 2.5
    # One word alone is nothing.
    for word in text.replace(",", " ").replace(":", " ").split():
        assert rule not in rules(message(f"{WORDS} {word}"))


def test_work_that_is_done_on_the_spot_is_no_lure() -> None:
    text = "Nous embauchons des saisonniers sans expérience, 90 € par jour, WhatsApp."
    assert rules(message(text)) == {}


def test_shops_praise_their_own_goods() -> None:
    offer = OFFER + "https://%s/x"
    own = _score(message(offer % "cabinet.example"), "gambling")
    away = _score(message(offer % "pay.example"), "gambling")
    assert own == pytest.approx(0.75 * away, abs=0.01)


def test_beside_what_a_newsletter_is_about_other_topics_count_less() -> None:
    both = OFFER + "Viagra et Cialis sans ordonnance, pharmacie en ligne."
    alone = rules(message(both))
    listed = rules(message(both, extra="List-Unsubscribe: <https://cabinet.example/u>\r\n"))
    main, beside = sorted(("gambling", "pills"), key=lambda rule: -alone[rule].score)
    assert listed[main].score == pytest.approx(0.7 * alone[main].score, abs=0.01)
    assert listed[beside].score == pytest.approx(0.7 * 0.4 * alone[beside].score, abs=0.01)


def test_who_says_that_he_never_asks_for_a_phrase_warns() -> None:
    text = "Withdrawal of 0.2 BTC. We never ask for your recovery phrase or private keys. Beware: "
    quiet = _score(message(text.replace("never ask", "ask")), "crypto")
    assert _score(message(text + "phishing is common."), "crypto") == pytest.approx(quiet / 2)


def test_languages_name_rules_and_groups_that_exist() -> None:
    groups = {topic.rule: set(topic.groups) for topic in topics.ALL}
    for language in topics.LANGUAGES:
        for rule, phrases in language.items():
            assert phrases.keys() <= groups[rule], rule
            for text in phrases.values():
                pieces = topics.pieces(text)
                assert pieces
                assert len(set(pieces)) == len(pieces)


def test_data_is_written_as_it_is_compared() -> None:
    assert all(word.isascii() and word == word.lower() for word in JOINTS)
    for homes in BRANDS.values():
        assert all("." in home and home == home.lower() for home in homes if home != "bnpparibas")


def _score(data: bytes, rule: str, context: Context | None = None) -> float:
    found: list[Finding] = [one for one in screen(data, context).findings if one.rule == rule]
    return found[0].score if found else 0.0
