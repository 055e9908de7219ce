"""Engines that look at mail beside our own rules, where they are set: Rspamd and ClamAV.

    findings = await engines.ask(content, envelope)

`asking` asks them, at once and within bounds, and never stops mail: what does not answer has found
nothing. `rspamd` and `clamd` speak their languages over an `exchange`; `symbols` makes Rspamd's
report a finding; `circuit` leaves alone what does not answer. What was learned is kept in rows by
`mailqueue.engines`.
"""

from relay.engines.asking import Engines
from relay.engines.exchange import Envelope

__all__ = ["Engines", "Envelope"]
