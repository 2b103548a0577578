"""When a conversation that people have is the assistant's again without anybody saying so. Pure.

Nothing wakes up for it: a hold that is over ends with the contact's next message, and until then there is nobody to
answer. So it survives any restart, and a changed policy holds for old conversations too.
"""

from __future__ import annotations

from functools import partial

from gateway.config import Queue
from gateway.rules.custody import Custody, Policy, WakeAt, wake
from gateway.rules.hours import next_business_day
from storage.model import Hold


def over_at(hold: Hold, acted_at: int, queue: Queue) -> WakeAt | None:
    """The moment and the policy it follows from; None: somebody has to release it. `acted_at`: when people last wrote,
    in milliseconds since the epoch; 0: they have not."""
    handoff = queue.handoff
    policy = Policy(handoff.resume, handoff.idle_hours, partial(next_business_day, queue.hours))
    custody = Custody("held", to=hold.queue, since=hold.at, active_at=max(hold.at, acted_at))
    return wake(custody, policy)
