"""Programs that call sendmail, as their users run them: each sends one letter to TO, Cc and Bcc.

Owns how each is told which command to call; what must arrive is for the tests. Their libraries are
Debian's (see `.ci/packages`).
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TypeAlias

SUBJECT = "Commande nº 12 €"
# A dot alone and one at the beginning of a line, mbox's From, a long line, letters beyond ASCII.
BODY = "Bonjour été,\n.\n..deux points\nFrom ici\n" + "x" * 900 + "\nFin.\n"
FROM = "site@boutique.example"
CC = "copie@example.org"
PHP_LIBRARIES = Path("/usr/share/php")
NODE_LIBRARIES = Path("/usr/share/nodejs")

Done: TypeAlias = "subprocess.CompletedProcess[str]"


@dataclass(frozen=True)
class Call:
    """What a caller is given: our command, a folder of its own, whom to write to."""

    sendmail: Path
    folder: Path
    to: str
    bcc: str

    def run(
        self, *command: str, text: str = BODY, variables: Mapping[str, str] | None = None
    ) -> Done:
        """Run a program with nothing of this machine's settings."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            **(variables or {}),
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def write(self, name: str, text: str) -> str:
        """Put a file into the folder; its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def php(self, code: str, **others: str) -> Done:
        """Run PHP with its extensions; the words of the letter stand in the environment."""
        words = {
            "SENDMAIL": str(self.sendmail),
            "TO": self.to,
            "BCC": self.bcc,
            "CC": CC,
            "SENDER": FROM,
            "SUBJECT": SUBJECT,
            "BODY": BODY,
            **others,
        }
        script = self.write("script.php", f"<?php\nerror_reporting(E_ALL & ~E_DEPRECATED);\n{code}")
        return self.run(
            *("php", "-d", f"sendmail_path={self.sendmail} -t -i", "-d", "display_errors=stderr"),
            *("-d", "variables_order=EGPCS", script),
            variables=words,
        )


_PHPMAILER = f"""
require '{PHP_LIBRARIES}/libphp-phpmailer/autoload.php';
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->CharSet = 'UTF-8';
%s
$mail->setFrom($_ENV['SENDER'], 'La boutique');
$mail->addAddress($_ENV['TO']); $mail->addCC($_ENV['CC']); $mail->addBCC($_ENV['BCC']);
$mail->Subject = $_ENV['SUBJECT']; $mail->Body = $_ENV['BODY'];
exit($mail->send() ? 0 : 1);
"""
_SYMFONY = f"""
require '{PHP_LIBRARIES}/Symfony/Component/Mailer/autoload.php';
require '{PHP_LIBRARIES}/Symfony/Component/Mime/autoload.php';
$transport = new Symfony\\Component\\Mailer\\Transport\\SendmailTransport(
    $_ENV['SENDMAIL'] . ' %s');
(new Symfony\\Component\\Mailer\\Mailer($transport))->send(
    (new Symfony\\Component\\Mime\\Email())->from($_ENV['SENDER'])->to($_ENV['TO'])
    ->cc($_ENV['CC'])->bcc($_ENV['BCC'])->subject($_ENV['SUBJECT'])->text($_ENV['BODY']));
"""
_NODEMAILER = """
const mailer = require('nodemailer');
mailer.createTransport({sendmail: true, path: %(sendmail)s}).sendMail({
  from: %(sender)s, to: %(to)s, cc: %(cc)s, bcc: %(bcc)s, subject: %(subject)s, text: %(body)s,
}, error => { if (error) { console.error(error.message); process.exit(1); } });
"""
_EMAIL_SENDER = """
use utf8; use Email::Simple; use Email::Sender::Simple 'sendmail'; use Encode;
use Email::Sender::Transport::Sendmail;
my $letter = Email::Simple->create(header => [From => $ENV{SENDER}, To => $ENV{TO},
    Cc => $ENV{CC}, Subject => encode('MIME-Header', decode_utf8($ENV{SUBJECT})),
    'Content-Type' => 'text/plain; charset=utf-8', 'Content-Transfer-Encoding' => '8bit'],
    body => $ENV{BODY});
sendmail($letter, {from => $ENV{SENDER}, to => [$ENV{TO}, $ENV{CC}, $ENV{BCC}],
    transport => Email::Sender::Transport::Sendmail->new(sendmail => $ENV{SENDMAIL})});
"""
_MIME_LITE = """
use MIME::Lite; use Encode;
my $letter = MIME::Lite->new(From => $ENV{SENDER}, To => $ENV{TO}, Cc => $ENV{CC},
    Bcc => $ENV{BCC}, Subject => encode('MIME-Header', decode_utf8($ENV{SUBJECT})),
    Type => 'text/plain; charset=utf-8', Encoding => '8bit', Data => $ENV{BODY});
$letter->send('sendmail', "$ENV{SENDMAIL} -t -oi -oem") or die;
"""

_GIT = {
    "AUTHOR_NAME": "Site",
    "AUTHOR_EMAIL": FROM,
    "COMMITTER_NAME": "Site",
    "COMMITTER_EMAIL": FROM,
}


def letter(call: Call) -> EmailMessage:
    """The letter as a program has it that gives its own header to sendmail."""
    written = EmailMessage()
    written["From"], written["To"], written["Cc"] = FROM, call.to, CC
    written["Bcc"], written["Subject"] = call.bcc, SUBJECT
    written.set_content(BODY, cte="8bit")
    return written


def _php_mail(call: Call, options: str = "", eol: str = "\\n") -> Done:
    return call.php(
        f"""$headers = "From: $_ENV[SENDER]{eol}Cc: $_ENV[CC]{eol}bcc: $_ENV[BCC]{eol}"
        . "Content-Type: text/plain; charset=utf-8";
        $subject = '=?utf-8?B?' . base64_encode($_ENV['SUBJECT']) . '?=';
        exit(mail($_ENV['TO'], $subject, $_ENV['BODY'], $headers, '{options}') ? 0 : 1);"""
    )


def _phpmailer(call: Call, way: str) -> Done:
    return call.php(_PHPMAILER % way)


def _nodemailer(call: Call) -> Done:
    words = {"sendmail": str(call.sendmail), "sender": FROM, "to": call.to, "cc": CC}
    words |= {"bcc": call.bcc, "subject": SUBJECT, "body": BODY}
    script = _NODEMAILER % {name: json.dumps(word) for name, word in words.items()}
    return call.run("node", "-e", script, variables={"NODE_PATH": str(NODE_LIBRARIES)})


def _perl(call: Call, script: str) -> Done:
    words = {"SENDMAIL": str(call.sendmail), "SENDER": FROM, "TO": call.to, "CC": CC}
    words |= {"BCC": call.bcc, "SUBJECT": SUBJECT, "BODY": BODY}
    return call.run("perl", "-e", script, variables=words)


def _mailx(call: Call) -> Done:
    settings = call.write("mailrc", f"set sendmail={call.sendmail}\nset noaskcc\n")
    command = ("bsd-mailx", "-n", "-r", FROM, "-s", SUBJECT, "-c", CC, "-b", call.bcc, call.to)
    return call.run(*command, variables={"MAILRC": settings})


def _mutt(call: Call) -> Done:
    settings = f'set sendmail="{call.sendmail} -oem -oi" from={FROM} copy=no use_envelope_from=yes'
    command = ("mutt", "-n", "-F", "/dev/null", "-e", settings, "-s", SUBJECT)
    return call.run(*command, "-c", CC, "-b", call.bcc, "--", call.to)


def _git(call: Call) -> Done:
    patch = call.write(
        "0001.patch",
        f"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
        f"From: {FROM}\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nSubject: {SUBJECT}\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
        f"Content-Transfer-Encoding: 8bit\n\n{BODY}",
    )
    return call.run(
        *("git", "send-email", f"--smtp-server={call.sendmail}", f"--from={FROM}"),
        *(f"--to={call.to}", f"--cc={CC}", f"--bcc={call.bcc}", "--suppress-cc=all"),
        *("--confirm=never", "--quiet", "--transfer-encoding=8bit", patch),
        variables={f"GIT_{who}": word for who, word in _GIT.items()},
    )


def _sendmail(call: Call, *options: str) -> Done:
    return call.run(str(call.sendmail), *options, text=letter(call).as_string())


def phpmailer_by_smtp(call: Call, port: int, user: str, token: str, trusted: Path) -> Done:
    """PHPMailer over TLS with a token, as a site with an SMTP script."""
    return _phpmailer(
        call,
        f"""$mail->isSMTP(); $mail->Host = '127.0.0.1'; $mail->Port = {port};
        $mail->SMTPAuth = true; $mail->SMTPSecure = 'ssl';
        $mail->Username = '{user}'; $mail->Password = '{token}';
        $mail->SMTPOptions = ['ssl' => ['cafile' => '{trusted}']];""",
    )


def msmtp(call: Call, port: int, user: str, token: str, trusted: Path) -> Done:
    """msmtp, the sendmail command of many containers, with TLS and a token."""
    settings = call.write(
        "msmtprc",
        f"account default\nhost 127.0.0.1\nport {port}\ntls on\ntls_starttls off\n"
        f"tls_trust_file {trusted}\nauth plain\nuser {user}\npassword {token}\nfrom {FROM}\n",
    )
    Path(settings).chmod(0o600)
    return call.run("msmtp", "-C", settings, "-t", "-i", text=letter(call).as_string())


OVER_THE_NETWORK = {"PHPMailer, isSMTP": phpmailer_by_smtp, "msmtp": msmtp}

CALLERS: dict[str, Callable[[Call], Done]] = {
    "PHP, LF": _php_mail,
    "PHP, CRLF and -f": lambda call: _php_mail(call, f"-f{FROM}", "\\r\\n"),
    "PHPMailer, isMail": lambda call: _phpmailer(call, "$mail->isMail();"),
    "PHPMailer, isSendmail": lambda call: _phpmailer(
        call, "$mail->isSendmail(); $mail->Sendmail = $_ENV['SENDMAIL'];"
    ),
    "Symfony, -bs": lambda call: call.php(_SYMFONY % "-bs"),
    "Symfony, -t": lambda call: call.php(_SYMFONY % "-t"),
    "Symfony, -t -i": lambda call: call.php(_SYMFONY % "-t -i"),
    "Nodemailer": _nodemailer,
    "Email::Sender": lambda call: _perl(call, _EMAIL_SENDER),
    "MIME::Lite": lambda call: _perl(call, _MIME_LITE),
    "bsd-mailx": _mailx,
    "mutt": _mutt,
    "git send-email": _git,
    "-ti": lambda call: _sendmail(call, "-ti"),
    "-oi -t -oem -f": lambda call: _sendmail(call, "-oi", "-t", "-oem", f"-f{FROM}"),
    "-i -f and a list, --": lambda call: _sendmail(
        call, "-i", "-f", FROM, "--", call.to, CC, call.bcc
    ),
}
