"""In whose name an account may write: its domains, its rule, and what strange authors were seen.

An account's name and what lies below it are its own; administrators add more. What the rule makes
of a message is for the relay.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from mailqueue import statements
from mailqueue.domains import ascii_name
from mailqueue.models import AccountDomain, ForeignSender, HostingAccount, SenderPolicy

# Ours: far more than a hosting has, and still a page that can be read.
MOST_DOMAINS = 100
# Strange authors are told of for so long after the last one; then counting begins anew.
REMEMBERED = timedelta(days=7)
LONGEST_DOMAIN = 253


@dataclass(frozen=True, slots=True)
class Rule:
    """What an account's e-mails must say of their author, and else becomes of them."""

    policy: SenderPolicy
    # Its main domain, and all of its domains as DNS has them.
    domain: str
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """E-mails of a strange author: how many, and the last of them."""

    number: int
    author: str
    script: str


def house_domains() -> list[str]:
    """The domains in whose name the panel itself writes: the host's, and that of MAIL_FROM."""
    author = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return list(dict.fromkeys(filter(None, map(ascii_name, (settings.HOSTNAME, author)))))


def policy_of(account: HostingAccount) -> SenderPolicy:
    """The rule of an account: its own, else the house's."""
    if account.is_system:
        return SenderPolicy.ALLOW
    return SenderPolicy(account.sender_policy or settings.SENDER_POLICY)


def main_domain(account: HostingAccount) -> str:
    """The domain that an account is named by, as DNS has it."""
    return ascii_name(account.service_name).removeprefix("www.")


def domains_of(accounts: Iterable[HostingAccount]) -> dict[int, frozenset[str]]:
    """All domains of accounts, by their numbers; in one query."""
    found = {
        account.pk: set(house_domains() if account.is_system else [main_domain(account)])
        for account in accounts
    }
    rows = AccountDomain.objects.filter(account_id__in=list(found))
    for account_id, domain in rows.values_list("account_id", "domain"):
        found[account_id].add(domain)
    return {account_id: frozenset(domains) for account_id, domains in found.items()}


def rules_of(account_ids: Collection[int]) -> dict[int, Rule]:
    """The rules of those of these accounts that may not write in every name.

    One query while there are none, which stands before every commit of new mail; else three.
    """
    if not account_ids:
        return {}
    condition, values = statements.among(account_ids)
    table = HostingAccount._meta.db_table
    # By number: so it is answered without a walk, whatever the rules are.
    sql = f"SELECT id, sender_policy FROM {table} WHERE id {condition}"  # noqa: S608
    bound = [
        pk
        for pk, policy in statements.fetch(sql, values)
        if (policy or settings.SENDER_POLICY) != SenderPolicy.ALLOW
    ]
    if not bound:
        return {}
    accounts = list(HostingAccount.objects.filter(pk__in=bound, is_system=False))
    domains = domains_of(accounts)
    return {
        account.pk: Rule(policy_of(account), main_domain(account), domains[account.pk])
        for account in accounts
    }


def added(account_id: int) -> Sequence[AccountDomain]:
    """The domains that were added to an account, by name."""
    return list(AccountDomain.objects.filter(account_id=account_id).order_by("domain"))


def add(account: HostingAccount, domain: str, actor: str, now: datetime) -> AccountDomain:
    """Let an account write in the name of one more domain, and of what lies below it.

    Raises ValidationError if that is no domain, it has it already, or has MOST_DOMAINS.
    """
    name = ascii_name(domain)
    try:
        DomainNameValidator(accept_idna=False)(name)
    except ValidationError:
        raise ValidationError({"domain": _("This is no domain name.")}) from None
    known = ValidationError({"domain": _("This hosting plan has this domain already.")})
    if name == main_domain(account):
        raise known
    with transaction.atomic():
        if AccountDomain.objects.filter(account=account).count() >= MOST_DOMAINS:
            raise ValidationError({"domain": _("This hosting plan has too many domains.")})
        try:
            with transaction.atomic():
                return AccountDomain.objects.create(
                    account=account, domain=name, added_at=now, added_by=actor
                )
        except IntegrityError:
            raise known from None


def remove(account: HostingAccount, domain: str) -> bool:
    """Let an account write no more in the name of an added domain; False if it was not one."""
    return bool(AccountDomain.objects.filter(account=account, domain=domain).delete()[0])


def set_policy(account_id: int, policy: str) -> None:
    """Give an account a rule of its own, or with "" the house's.

    Raises ValidationError if there is no such rule.
    """
    if policy and policy not in SenderPolicy.values:
        raise ValidationError({"policy": _("There is no such rule.")})
    HostingAccount.objects.filter(pk=account_id, is_system=False).update(sender_policy=policy)


def note_foreign(seen: Mapping[int, Seen], now: datetime) -> None:
    """Keep how many strange authors accounts wrote as, and the last of each; a write or two each.

    After a week without any, the count begins anew.
    """
    for account_id, one in seen.items():
        last = {"last_at": now, "author": one.author[:320], "script": one.script[:255]}
        rows = ForeignSender.objects.filter(account_id=account_id)
        fresh = rows.filter(last_at__gte=now - REMEMBERED)
        if not fresh.update(number=F("number") + one.number, **last):
            anew = {**last, "number": one.number, "since": now}
            ForeignSender.objects.update_or_create(account_id=account_id, defaults=anew)


def foreign_of(account: HostingAccount, now: datetime) -> ForeignSender | None:
    """What strange authors an account has lately written as, if its rule is to tell of them."""
    if policy_of(account) not in {SenderPolicy.WARN, SenderPolicy.REWRITE}:
        return None
    return ForeignSender.objects.filter(account=account, last_at__gte=now - REMEMBERED).first()


def forget(account_id: int, address: str) -> int:
    """Forget an address that was seen as a strange author; return how many rows told of it.

    Part of the caller's transaction.
    """
    told = ForeignSender.objects.filter(account_id=account_id, author__iexact=address)
    return told.delete()[0]


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` strange authors that no page tells of any more; return how many."""
    old = ForeignSender.objects.filter(last_at__lt=now - REMEMBERED).order_by("pk")
    pks = list(old.values_list("pk", flat=True)[:limit])
    # Somebody may have come back meanwhile.
    return ForeignSender.objects.filter(pk__in=pks, last_at__lt=now - REMEMBERED).delete()[0]
