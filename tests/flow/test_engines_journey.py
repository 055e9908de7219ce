"""A site's infected mail meets the real ClamAV on its way, and goes on while that is away."""

from collections.abc import Iterator

import pytest

from tests.flow.test_main_job import SCRIPTS_EMAILS, arrived
from tests.support import engines
from tests.support.house import House, free_port, house
from tests.support.remote import Remote
from tests.support.waiting import eventually

# As a broken-into site sends a file: no rule of Facteur's own minds its content.
SCRIPT = """<?php
$body = "--b\\r\\nContent-Type: text/plain\\r\\n\\r\\nVoici votre bon de commande.\\r\\n"
    . "--b\\r\\nContent-Type: application/octet-stream\\r\\nContent-Transfer-Encoding: base64\\r\\n"
    . "Content-Disposition: attachment; filename=bon.dat\\r\\n\\r\\n"
    . chunk_split(base64_encode("{content}")) . "--b--\\r\\n";
echo mail("{to}", "Votre bon", $body, [
    "From" => "site@boutique.example",
    "MIME-Version" => "1.0",
    "Content-Type" => 'multipart/mixed; boundary="b"',
]);
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def home(mx: Remote, port: int) -> Iterator[House]:
    with house(
        smarthost=f"127.0.0.1:{mx.port}", sweep_seconds="1", clamd=f"127.0.0.1:{port}"
    ) as new:
        new.start()
        yield new
    print(new.output)


def send(home: House, to: str, content: bytes) -> None:
    told = content.decode().replace("\n", "\\n")
    result = home.php(SCRIPT.format(to=to, content=told))
    assert result.stdout == "1", result.stderr


def test_infected_mail_is_stopped_by_clamav_and_mail_goes_on_without_it(
    home: House, mx: Remote, port: int
) -> None:
    pages = home.pages()
    assert "ClamAV Pas encore interrogé" in pages.get("/dashboard/").words
    # It is away: mail goes out, and the house says so.
    for number in range(4):
        send(home, f"client{number}@example.org", b"Un bon.\n")
    eventually(lambda: all(arrived(mx, f"client{number}@example.org") for number in range(4)))
    home.wait_for_line("engine=clamav status=away")
    eventually(lambda: "Ne répond pas" in pages.get("/dashboard/").words)
    with engines.clamd(port):

        def answers() -> bool:
            send(home, "trial@example.org", b"Un bon.\n")
            return "Répond Depuis" in pages.get("/dashboard/").words

        eventually(answers, 30)
        send(home, "infected@example.org", engines.FAKE)
        eventually(lambda: "SPAM" in pages.get(SCRIPTS_EMAILS).words)
    assert not arrived(mx, "infected@example.org")
    assert home.total("spam_messages") == 1
