"""Messages as they come back: what other servers write about mail of ours."""

from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data" / "bounces"
_REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b1"

--=_b1
Content-Type: text/plain

This is the mail system at host mx.example.net.

<{address}>: host mail.example.org[192.0.2.20] said: {reply}

--=_b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {reply}

--=_b1
Content-Type: message/rfc822

From: Shop <shop@example.com>
To: {address}
Subject: Your order

Thank you.

--=_b1--
"""
UNKNOWN = "550 5.1.1 User unknown"


def report(
    address: str, reply: str = UNKNOWN, action: str = "failed", to: str = "shop@example.com"
) -> bytes:
    """A report of a delivery (RFC 3464), with the words of the server that refused."""
    status = reply.split()[1]
    text = _REPORT.format(address=address, reply=reply, action=action, status=status, to=to)
    return text.replace("\n", "\r\n").encode()


def sample(name: str) -> bytes:
    """One of our samples, with line ends as they travel."""
    return (DATA / name).read_bytes().replace(b"\n", b"\r\n")
