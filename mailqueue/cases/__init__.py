"""Cases: the evidence of a stop for spam, kept apart from the queue so that a purge cannot take it.

Owns what is copied when an account is stopped (`gathering`), a case from its opening until it is
deleted with age (`keeping`), and what of it goes when an addressee wants to be forgotten
(`forgetting`). `values` reads what stands in its columns. Who stops and who lifts is for `service`.
"""

from mailqueue.cases.forgetting import forget, naming
from mailqueue.cases.gathering import SAMPLES, Evidence, gather
from mailqueue.cases.keeping import close, content_of, open_case, open_of, prune
from mailqueue.cases.values import MetRule, ScriptShare, findings, met_rules, scripts

__all__ = [
    "SAMPLES",
    "Evidence",
    "MetRule",
    "ScriptShare",
    "close",
    "content_of",
    "findings",
    "forget",
    "gather",
    "met_rules",
    "naming",
    "open_case",
    "open_of",
    "prune",
    "scripts",
]
