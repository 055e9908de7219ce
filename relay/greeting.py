"""The beginning of a conversation: greeting, EHLO, STARTTLS, AUTH.

Owns what must have been said before the first message, and what a server offers; messages are for
`client`.
"""

import base64
from collections.abc import Mapping

from relay import tls
from relay.replies import clean, extensions_of
from relay.routes import Level, Login
from relay.wire import Broken, NoTls, Wire


async def introduce(
    wire: Wire, name: str, login: Login | None, *, has_tls: bool
) -> Mapping[str, str]:
    """Hear the greeting, call ourselves `name`; return the extensions of the server.

    TLS begins as the door demands; without `has_tls` it does not begin, even if it could.
    Raises NoTls if there is none with this server, Broken for all other trouble.
    """
    if wire.door.tls.is_implicit:
        await _secure(wire)
    greeting = await wire.reply("the greeting", wire.timeouts.greeting_s)
    if not greeting.is_positive:
        # The server's or the route's trouble, whatever the code says: not the message's.
        raise Broken(f"4{greeting.status[1:]}", str(greeting))
    offered = await _hello(wire, name)
    is_wanted = wire.door.tls.level is not Level.NONE and not wire.door.tls.is_implicit
    if has_tls and is_wanted and await _may_start_tls(wire, offered):
        await _secure(wire)
        # Nothing that was said in the clear counts any longer (RFC 3207 §4.2).
        offered = await _hello(wire, name)
    if login is not None:
        await _log_in(wire, offered, login)
    return offered


async def _hello(wire: Wire, name: str) -> dict[str, str]:
    """EHLO, else HELO for a server that knows no extensions (RFC 5321 §3.2)."""
    wire.say(f"EHLO {name}\r\n".encode("ascii", "replace"))
    lines = await wire.lines("EHLO", wire.timeouts.hello_s)
    if wire.understood(lines, "EHLO").is_positive:
        return extensions_of(lines)
    wire.say(f"HELO {name}\r\n".encode("ascii", "replace"))
    reply = await wire.reply("HELO", wire.timeouts.hello_s)
    if not reply.is_positive:
        raise Broken(f"4{reply.status[1:]}", str(reply))
    return {}


async def _may_start_tls(wire: Wire, offered: Mapping[str, str]) -> bool:
    """Ask for TLS (RFC 3207 §4): whether its handshake is to begin now."""
    words = f"{wire.door} does not offer STARTTLS"
    if "STARTTLS" in offered:
        wire.say(b"STARTTLS\r\n")
        reply = await wire.reply("STARTTLS", wire.timeouts.hello_s)
        if await wire.has_more():
            # Said in the clear, to be taken for a reply under TLS (CVE-2011-0411).
            raise Broken("4.7.5", f"{wire.door} said more than its answer to STARTTLS")
        if reply.is_positive:
            return True
        words = f"{wire.door} refused STARTTLS: {reply}"
    if wire.door.tls.is_demanded:
        raise Broken("4.7.4", f"{words}; {_demand(wire)}")
    return False


async def _secure(wire: Wire) -> None:
    door = wire.door
    result = await tls.start(wire.writer, door.tls.name or door.name, door.tls, wire.timeouts.tls_s)
    if isinstance(result, tls.Refused):
        words = clean(f"{door}: {result.words}")
        raise NoTls("4.7.5", f"{words}; {_demand(wire)}" if door.tls.is_demanded else words)
    wire.tls = result


def _demand(wire: Wire) -> str:
    """Whose wish TLS is, for people."""
    return f"TLS is demanded by {wire.door.tls.why or 'the route'}"


async def _log_in(wire: Wire, offered: Mapping[str, str], login: Login) -> None:
    """AUTH PLAIN, else LOGIN (RFC 4954); its trouble is the route's, and no message's."""
    if wire.tls == "none" and not (login.may_be_plain or wire.door.is_loopback):
        words = f"{wire.door} has no TLS: the password is not sent in the clear"
        raise Broken("4.7.11", words)
    mechanisms = offered.get("AUTH", "").upper().split()
    user, password = login.user.encode(), login.password.encode()
    if "PLAIN" in mechanisms:
        lines = [b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password)]
    elif "LOGIN" in mechanisms:
        lines = [b"AUTH LOGIN", base64.b64encode(user), base64.b64encode(password)]
    else:
        raise Broken("4.3.3", f"{wire.door} offers neither AUTH PLAIN nor LOGIN")
    for line in lines:
        wire.say(line + b"\r\n")
        reply = await wire.reply("AUTH", wire.timeouts.hello_s)
        if reply.code == 235:
            return
        if reply.code != 334:
            break
    # Owners of sites read it, and some servers say again what they do not understand.
    said = str(reply)
    for secret in (password, *(line.rpartition(b" ")[2] for line in lines)):
        if secret not in {b"", b"LOGIN"}:
            said = said.replace(secret.decode(), "***")
    raise Broken(f"4{reply.status[1:]}", f"{wire.door} does not take the login: {said}")
