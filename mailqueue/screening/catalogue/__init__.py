"""All rules of screening: what each adds to a verdict, and its words for people. Data."""

from collections.abc import Mapping
from types import MappingProxyType

from mailqueue.screening.catalogue import abuse, engines, guide, topics
from mailqueue.screening.catalogue.shape import Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.id: rule for rule in (*guide.RULES, *topics.RULES, *abuse.RULES, *engines.RULES)}
)

# Of these, one finding is enough for a verdict, and one message for the state SPAM.
MALWARE = frozenset({"malware", "virus"})

__all__ = ["MALWARE", "RULES", "Rule"]
