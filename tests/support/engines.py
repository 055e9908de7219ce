"""The real engines on loopback for as long as a test runs: Debian's Rspamd and ClamAV."""

import hashlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from tests.support.house import free_port
from tests.support.waiting import eventually

# In pieces: a scanner on the developer's own machine is to leave this file alone.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
# A text that the daemon of the tests takes for a virus, and no rule of ours for anything.
FAKE = b"Nothing is in here: the scanner of the tests knows it all the same.\n"
# What Rspamd takes for spam, whatever its settings.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PROFILE = Path(__file__).resolve().parents[2] / "docs" / "rspamd" / "settings.conf"
# Nothing of the world is asked: these would fetch lists, or ask servers by name.
_OFF = ("fuzzy_check", "multimap", "phishing", "rspamd_update", "whitelist")


@contextmanager
def clamd(port: int | None = None) -> Iterator[tuple[str, int]]:
    """ClamAV's daemon, which knows EICAR, FAKE and nothing else; gives its address."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="ft-clamd-", dir="/tmp") as name:
        folder = Path(name)
        # clamd gives up root's rights for its own user where it can; that one reads here, too.
        folder.chmod(0o755)
        database = folder / "database"
        database.mkdir()
        known = {"Eicar-Test-Signature": EICAR, "Php.Malware.Fake-1": FAKE}
        (database / "own.hdb").write_text(
            "".join(
                f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}:{len(content)}:{name}\n"
                for name, content in known.items()
            )
        )
        lines = ["Foreground true", f"DatabaseDirectory {database}", "TCPAddr 127.0.0.1"]
        lines += [f"TCPSocket {port}", f"LocalSocket {folder}/clamd.sock", "StreamMaxLength 12M"]
        settings = folder / "clamd.conf"
        settings.write_text("\n".join(lines) + "\n")
        with _running([_program("clamd"), "-c", str(settings)], port):
            yield "127.0.0.1", port


@contextmanager
def rspamd(nameserver: tuple[str, int], *, with_profile: bool = False) -> Iterator[tuple[str, int]]:
    """Rspamd with its usual rules, which asks one name server; gives the address of its worker.

    `with_profile`: with the settings that docs/rspamd has.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ft-rspamd-", dir="/tmp") as name:
        folder = Path(name)
        local = folder / "local.d"
        for made in (local, folder / "db"):
            made.mkdir()
        # The list of all endings of domains takes it 12 s to read.
        (folder / "endings").write_text("com\nexample\nfr\nnet\norg\n")
        host, dns_port = nameserver
        files = {
            "options.inc": f'dns {{ nameserver = ["{host}:{dns_port}"]; timeout = 1s; }}\n'
            f'disable_hyperscan = true;\nurl_tld = "{folder}/endings";\n',
            "worker-normal.inc": f'bind_socket = "127.0.0.1:{port}";\ncount = 1;\n',
            "worker-controller.inc": "enabled = false;\n",
            "worker-proxy.inc": "enabled = false;\n",
            "logging.inc": 'type = "console";\nlevel = "error";\n',
            **{f"{module}.conf": "enabled = false;\n" for module in _OFF},
        }
        if with_profile:
            files["settings.conf"] = PROFILE.read_text(encoding="utf-8")
        for name, text in files.items():
            (local / name).write_text(text)
        places = [f"LOCAL_CONFDIR={folder}"]
        places += [f"{place}={folder}/db" for place in ("DBDIR", "RUNDIR", "LOGDIR")]
        command = [_program("rspamd"), "-f", "-i", "-c", "/etc/rspamd/rspamd.conf"]
        command += [word for place in places for word in ("--var", place)]
        with _running(command, port):
            yield "127.0.0.1", port


def letter(text: str, attached: bytes = b"", subject: str = "Votre commande 1234") -> bytes:
    """A letter of a shop, as a relay has it in hand; with a file, if there is to be one."""
    message = EmailMessage(SMTP)
    message["From"] = "Boutique <contact@boutique.example>"
    message["To"] = "marie@client.example"
    message["Subject"] = subject
    message["Date"] = "Wed, 25 Nov 2026 03:55:00 +0000"
    message["Message-ID"] = "<abc@boutique.example>"
    message.set_content(text)
    if attached:
        message.add_attachment(
            attached, maintype="application", subtype="octet-stream", filename="commande.dat"
        )
    return message.as_bytes()


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    assert found, f"install it with .ci/packages: {name}"
    return found


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            eventually(lambda: _answers(process, port), 60, command[0])
            yield
        except AssertionError:
            output.seek(0)
            print(output.read().decode("utf-8", "replace")[-4000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    assert process.poll() is None, "it ended"
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
