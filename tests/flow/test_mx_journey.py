"""A script's mail() finds the servers of its recipients by DNS, and goes there under TLS."""

from pathlib import Path

from tests.support.certificates import authority, issued, server_context
from tests.support.house import ACCOUNT, house
from tests.support.nameserver import nameserver
from tests.support.php import SUCCESS, guide_script
from tests.support.remote import Script, remote
from tests.support.waiting import eventually


def test_mail_goes_to_the_servers_that_dns_names_under_tls(tmp_path: Path) -> None:
    secured = server_context(tmp_path, issued("mx2.example.org", by=authority()))
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(authority().pem)
    with nameserver() as dns, remote(Script(tls=secured), host="127.0.0.3") as mx:
        dns.add("example.org", "MX", "10 mx1.example.org.", "20 mx2.example.org.")
        # Nobody listens there.
        dns.add("mx1.example.org", "A", "127.0.0.2")
        dns.add("mx2.example.org", "A", "127.0.0.3")
        dns.add("null.example", "MX", "0 .")
        dns.add("private.example", "A", "10.0.0.1")
        dns.add("stripped.example", "MX", "10 mx2.example.org.")
        with house(
            route="mx",
            resolvers=f"127.0.0.1:{dns.port}",
            mx_port=str(mx.port),
            allow_networks="127.0.0.0/8",
            tls_ca_file=str(authorities),
            tls_policy="example.org verified",
            routes="simulated.example simulator",
            sweep_seconds="1",
        ) as new:
            new.start()
            for address in (
                "anna@example.org",
                "b@stripped.example",
                "c@null.example",
                "d@none.example",
                "e@private.example",
                "f@simulated.example",
            ):
                assert new.php(guide_script(address, subject="Par le DNS")).stdout == SUCCESS

            eventually(lambda: (new.total("sent"), new.total("failed")) == (3, 3), what=new.output)
            assert sorted(message.recipients for message in mx.messages) == [
                ["anna@example.org"],
                ["b@stripped.example"],
            ]
            assert set(mx.asked_for) == {"mx2.example.org"}
            assert "Par le DNS" in new.pages().get("/simulator/").words
            lines = {
                address: new.wait_for_line(f"to='{address}'")
                for address in ("anna@example.org", "b@stripped.example", "c@null.example")
            }
            assert " mx=mx2.example.org tls=TLSv1.3-verified " in lines["anna@example.org"]
            # Another demand is another connection.
            assert " mx=mx2.example.org tls=TLSv1.3 " in lines["b@stripped.example"]
            assert " mx=- tls=none " in lines["c@null.example"]
            assert " dsn=5.1.10 status=failed " in lines["c@null.example"]
            assert new.ledger()[ACCOUNT]["sent"] == 3

            checked = new.manage("checkroute", "anna@example.org", "--connect")
            assert checked.returncode == 0, checked.stderr
            assert "no (4.4.1): cannot connect to mx1.example.org[127.0.0.2]" in checked.stdout
            assert "yes, TLS: TLSv1.3-verified" in checked.stdout
            assert new.manage("checkroute", "null.example").returncode == 1
            # Connections under TLS end with the run that had them.
            assert "Traceback" not in new.output
            assert "Error" not in new.output
