"""What of a message others look up or count: hosts, the visitor's address, and marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue.screening import MARK_BITS, Context, Traits, judge, mark, read, screen, traits

BODY = (
    "Bonjour Marie, nous avons bien reçu votre message et nous y répondrons dans les prochains "
    "jours. Merci de votre confiance et à bientôt dans notre boutique."
)


def of(body: str = BODY, **fields: str) -> Traits:
    """The traits of a message in plain text; `fields` are more of its header."""
    names = {"From": "Shop <shop@b.example>", "To": "Marie <marie@c.example>", "Subject": "Merci"}
    header = names | {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in header.items())
    text = f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    return traits(read(text.encode()), Context(own_domains=frozenset({"own.example"})))


def test_it_tells_the_hosts_that_links_lead_to() -> None:
    links = (
        "http://A.example/x https://a.example/y https://b.example:8443/ https://c.example:443/z "
        "https://192.0.2.1/ http://[2001:db8::1]/ https://not a host/ mailto:x@y.example "
        "http://d.example./ www.e.example"
    )
    found = of(links)
    expected = ("a.example", "b.example", "c.example", "d.example", "www.e.example")
    assert found.hosts == expected
    assert found.secure_hosts == {"a.example", "c.example"}


def test_it_tells_no_more_than_ten_hosts() -> None:
    found = of(" ".join(f"https://h{number}.example/" for number in range(40)))
    assert found.hosts == tuple(f"h{number}.example" for number in range(10))
    assert found.secure_hosts == set(found.hosts)


@pytest.mark.parametrize(
    ("field", "value", "visitor"),
    [
        ("X-Originating-IP", "[8.8.4.4]", "8.8.4.4"),
        ("X-Originating-IP", "8.8.4.4", "8.8.4.4"),
        ("X-Originating-IP", "[2A00:1450::8]", "2a00:1450::8"),
        ("X-Sender-IP", "8.8.4.4", "8.8.4.4"),
        ("X-HTTP-Client", "[8.8.4.4]", "8.8.4.4"),
        ("X-PHP-Script", "www.b.example/contact.php for 8.8.4.4", "8.8.4.4"),
        ("X-PHP-Script", "www.b.example/contact.php for 8.8.4.4, 10.0.0.1", "8.8.4.4"),
        ("X-AntiAbuse", "User IP - 8.8.4.4", "8.8.4.4"),
        # Not an address that a visitor from outside has, or none at all.
        ("X-Originating-IP", "[10.1.2.3]", ""),
        ("X-Originating-IP", "[127.0.0.1]", ""),
        ("X-Originating-IP", "[100.64.3.4]", ""),
        ("X-Originating-IP", "[ff0e::1]", ""),
        ("X-Originating-IP", "[8.8.4.4.in-addr.arpa]", ""),
        ("X-Originating-IP", "8.8.4", ""),
        ("X-Originating-IP", "", ""),
        ("X-PHP-Script", "www.b.example/contact.php", ""),
        ("X-PHP-Script", "www.b.example/for 8.8.4.4/contact.php", ""),
        ("X-PHP-Originating-Script", "1001:contact.php for 8.8.4.4", ""),
        ("X-AntiAbuse", "Board servername - 8.8.4.4", ""),
    ],
)
def test_it_tells_the_address_of_the_visitor(field: str, value: str, visitor: str) -> None:
    assert of(**{field: value}).visitor == visitor


def test_it_finds_the_address_among_fields_of_one_name() -> None:
    fields = b"X-AntiAbuse: Username - Joe\r\nX-AntiAbuse: User IP - 8.8.4.4\r\n"
    assert traits(read(fields + b"\r\nHello\r\n"), Context()).visitor == "8.8.4.4"


def test_copies_of_a_letter_have_the_same_text_and_subject() -> None:
    first = of("Bonjour Marie, " + BODY + " https://a.example/?id=1", Subject="Merci Marie !")
    second = of(
        "Bonjour Paul, " + BODY.replace("Marie", "Paul") + " https://d.example/?id=2",
        To='"Paul" <p.durand@c.example>',
        Subject="Merci Paul !",
    )
    assert first.text == second.text != 0
    assert first.subject_mark == second.subject_mark
    assert first.link_domains == (mark("a.example"),)
    assert second.link_domains == (mark("d.example"),)
    other = of(BODY.replace("confiance", "patience"), Subject="Votre commande 4711")
    assert other.text != first.text
    # Each order has a subject of its own.
    assert other.subject_mark != of(Subject="Votre commande 4712").subject_mark


def test_a_short_text_has_no_mark() -> None:
    assert of("un deux trois quatre cinq six sept").text == 0
    assert of("un deux trois quatre cinq six sept huit").text != 0


def test_links_of_its_own_are_no_strange_domains() -> None:
    found = of(
        "https://www.b.example/ https://x.own.example/ https://a.c.example/ http://c.example"
    )
    assert found.link_domains == (mark("c.example"),)


def test_senders_differ_by_name_and_address() -> None:
    marks = {
        of(From=author).sender
        for author in ("A <a@b.example>", "B <a@b.example>", "A <b@b.example>", "a <A@b.example>")
    }
    assert len(marks) == 3
    assert all(0 <= one < 1 << MARK_BITS for one in marks)


def test_in_steps_the_verdict_is_the_same() -> None:
    message = b"From: a@b.example\r\nSubject: BUY BUY BUY NOW\r\n\r\nhttps://a.example/\r\n"
    context = Context(dead_hosts=frozenset({"a.example"}))
    letter = read(message)
    assert traits(letter, context).hosts == ("a.example",)
    assert judge(letter, context) == screen(message, context)


@given(st.binary(max_size=400))
def test_no_bytes_are_too_strange(raw: bytes) -> None:
    traits(read(raw), Context())
    traits(read(b"X-Originating-IP: " + raw + b"\r\n\r\n" + raw), Context())
