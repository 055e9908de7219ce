"""What kinds of abuse say, as data: topics of groups of phrases in several languages.

Words alone say little, and honest mail passes on what strangers wrote. So a topic counts only when
several of its groups meet in one message, and adds up by group, not by word.
"""

from mailqueue.screening.topics import fraud, goods, lures, money, trade
from mailqueue.screening.topics.fraud import CREDENTIALS
from mailqueue.screening.topics.lures import BILL, PARCEL, REFUND, WARNING
from mailqueue.screening.topics.shape import Topic

ALL: tuple[Topic, ...] = (*money.TOPICS, *goods.TOPICS, *trade.TOPICS, *fraud.TOPICS, *lures.TOPICS)

__all__ = ["ALL", "BILL", "CREDENTIALS", "PARCEL", "REFUND", "WARNING", "Topic"]
