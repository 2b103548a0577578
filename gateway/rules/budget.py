"""What a queue's assistants may come to in a calendar month: `monthly_tokens`. Pure.

A queue has one count, of everything its hosted assistants read and wrote since the month began in UTC, as the voice's
budget has. Each assistant has its own limit and is passed over once the count has reached it. So two limits are two
marks on one scale: with 2 million for the first and 3 million for the second, the second answers the last million.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.config import AssistantSettings, Queue


def day_of(at_ms: int) -> str:
    """Of `at_ms` (since 1970), in UTC, as `Store.spend` wants it."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def month_of(at_ms: int) -> str:
    """The first day of its calendar month, in UTC, as `Store.spent` wants it."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-01}"


def is_limited(queue: Queue) -> bool:
    """Whether anybody needs to know the count."""
    return any(_limit(settings) for settings in _assistants(queue))


def spent(queue: Queue, tokens: int) -> frozenset[int]:
    """Places of the assistants that are passed over, 0 for the first. `tokens`: the queue's count of the month."""
    limits = enumerate(_limit(settings) for settings in _assistants(queue))
    return frozenset(place for place, limit in limits if 0 < limit <= tokens)


def nobody_left(queue: Queue, tokens: int) -> bool:
    return len(spent(queue, tokens)) == len(_assistants(queue))


def named(queue: Queue, tokens: int) -> str:
    """Who is passed over, for the operator: `openai/gpt-6-luna`."""
    settings = [_assistants(queue)[place] for place in sorted(spent(queue, tokens))]
    return ", ".join(dict.fromkeys(f"{each.provider}/{each.model}" for each in settings))


def _assistants(queue: Queue) -> tuple[AssistantSettings, ...]:
    """In the order in which they are asked."""
    return queue.assistant, *queue.assistants


def _limit(settings: AssistantSettings) -> int:
    """The embedded one costs nothing, so nothing limits it."""
    return 0 if settings.provider == "local" else settings.monthly_tokens
