"""Findings that say more together than each by itself. Pure."""

import re
from collections.abc import Iterator

from mailqueue.screening.guide import FEW_WORDS
from mailqueue.screening.hosts import FREE_MAIL
from mailqueue.screening.letter import Letter, Reference
from mailqueue.screening.verdicts import Finding, quoted
from mailqueue.screening.words import Phrases

# Ours. From here on a topic is what the letter is about.
MAIN_TOPIC = 2.5
MAIN_ADULT = 0.5

MAX_TEXT = 60_000

_MESSENGERS = frozenset({"whatsapp", "telegram", "телеграм", "телеграмм", "ватсап", "viber"})
_ADDRESS = re.compile(r"[\w.+-]{2,64}@([a-z0-9.-]{4,60}[a-z])")

_LEAVING = (
    "to be removed; be removed from; remove in the; remove in subject; word remove; remove you; "
    "remove me; to unsubscribe; unsubscribe; opt out; stop receiving; not wish to receive; "
    "longer wish to receive; not want to receive; future mailings; pour ne plus recevoir; "
    "vous desinscrire; abbestellen; keine weiteren; dejar de recibir; darse de baja; "
    "non ricevere; cancellarti; 配信停止"
)
_ENABLING = (
    "enable content; enable editing; enable macros; click enable; activer le contenu; "
    "activez le contenu; activer les macros; d activer le contenu; inhalt aktivieren; "
    "makros aktivieren; bearbeitung aktivieren; habilitar contenido; habilitar macros; "
    "abilita contenuto; abilitare le macro; コンテンツの有効化"
)


def _phrases(text: str) -> Phrases[None]:
    found: Phrases[None] = Phrases()
    found.add([phrase.strip() for phrase in text.split(";")], None)
    return found


_LEAVE, _ENABLE = _phrases(_LEAVING), _phrases(_ENABLING)


def check(
    letter: Letter, others: list[Finding], about: list[Finding], away: list[Reference]
) -> Iterator[Finding]:
    """What files, terms, topics and the sender of a message say together.

    `away` are its links that lead `deceit.elsewhere`.
    """
    by_rule = {finding.rule: finding for finding in others}
    program = by_rule.get("executable") or by_rule.get("page_attached")
    if program and program.score >= 1 and letter.word_count < FEW_WORDS:
        yield Finding("bare_program", 1.0, "attachment", {"what": program.about})
    if "macros" in by_rule and _says(_ENABLE, letter):
        yield Finding("macro_lure", 1.0, "attachment", {"what": by_rule["macros"].about})
    if any(one.rule == "pornographic" and one.score >= MAIN_ADULT for one in others) and away:
        yield Finding("adult_link", 1.0, "link", {"what": quoted(away[0].url.host)})
    if not any(finding.score >= MAIN_TOPIC for finding in about) or letter.is_visitors:
        return
    if not letter.is_bulk and _says(_LEAVE, letter):
        yield Finding("removal", 1.0, "text")
    contact = _contact(letter)
    if contact:
        yield Finding("contact_elsewhere", 1.0, "text", {"what": quoted(contact)})
    if letter.sender.host in FREE_MAIL:
        yield Finding("free_sender", 1.0, "header", {"what": quoted(letter.sender.address)})


def _contact(letter: Letter) -> str:
    """The messenger, or the address in a free mailbox, where answers are to go."""
    for match in _ADDRESS.finditer(letter.folded[:MAX_TEXT]):
        if match[1] in FREE_MAIL:
            return match[0]
    found = letter.phrased.different & _MESSENGERS
    return min(found) if found else ""


def _says(phrases: Phrases[None], letter: Letter) -> bool:
    return next(phrases.found(letter.phrased), None) is not None
