"""E-mails that screening judges for certain: spam, malware, and one that nobody minds."""

SPAM_TEXT = (
    "Cher client,\n\nVotre compte PayPal a ete suspendu suite a une activite inhabituelle.\n"
    "Veuillez confirmer votre mot de passe et vos informations bancaires sous 24 heures:\n"
    "http://paypal.com.verify-login.top/wp-content/uploads/2024/login.php\n"
)
SPAM_SUBJECT = "Votre compte est suspendu"
HONEST_TEXT = (
    "Bonjour Marie,\n\nMerci pour votre commande du 12 mars. Elle part demain, et nous vous\n"
    "écrivons dès qu’elle est en route.\n\nL’équipe de la boutique\n"
)
HONEST_SUBJECT = "Votre commande 4711"
# Half of what makes spam, and more: noted, and let go.
DUBIOUS_SUBJECT = "ACHETEZ VITE MAINTENANT"
DUBIOUS_TEXT = (
    "Bonjour,\n\nVotre compte PayPal attend.\nhttp://192.0.2.7:8081/connexion\n\nA bientôt\n"
)
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def _message(subject: str, text: str, author: str = "site@boutique.example") -> bytes:
    head = (
        f"From: {author}\nTo: client@example.org\nSubject: {subject}\n"
        "Date: Thu, 12 Mar 2026 14:07:00 +0100\nMessage-ID: <1@boutique.example>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n\n"
    )
    return (head + text).replace("\n", "\r\n").encode()


SPAM = _message(SPAM_SUBJECT, SPAM_TEXT, '"PayPal Service" <service@boutique.example>')
HONEST = _message(HONEST_SUBJECT, HONEST_TEXT)
DUBIOUS = _message(DUBIOUS_SUBJECT, DUBIOUS_TEXT)
MALWARE = (
    (
        "From: site@boutique.example\nTo: client@example.org\nSubject: Facture\n"
        "Date: Thu, 12 Mar 2026 14:07:00 +0100\nMessage-ID: <2@boutique.example>\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nBonjour, voici votre facture.\n\n"
        '--b\nContent-Type: application/octet-stream; name="facture.txt"\n'
        f'Content-Disposition: attachment; filename="facture.txt"\n\n{EICAR}\n--b--\n'
    )
    .replace("\n", "\r\n")
    .encode()
)
