"""The lane in forty lines of Python: what the SQL must do, said a second time and more slowly."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage.model import Claim, Verdict


@dataclass
class Lane:
    tail: int = 0
    head: int = 0
    wake: int | None = None
    due: int | None = None
    first: int | None = None
    retry: int = 0
    epoch: int = 0
    owner: str | None = None
    tries: int = 0
    folds: int = 0
    busy: bool = False
    hold: str | None = None
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)

    def post(self, now: int, dedup: str, digest: str, window: int, max_wait: int) -> tuple[Verdict, int]:
        if dedup in self.seen:
            seq, known = self.seen[dedup]
            return (Verdict.DUPLICATE if known == digest else Verdict.CONFLICT), seq
        self.bump(now, window, max_wait)
        self.seen[dedup] = (self.tail, digest)
        return Verdict.NEW, self.tail

    def bump(self, now: int, window: int, max_wait: int) -> None:
        self.tail += 1
        self.first = now if self.first is None else self.first
        self.due = min(now + window, self.first + max(window, max_wait))
        if not self.busy:
            self.wake = None if self.hold else max(self.retry, self.due)

    def is_due(self, now: int) -> bool:
        return self.wake is not None and self.wake <= now and self.hold is None

    def claim(self, now: int, lease: int, owner: str) -> None:
        self.epoch, self.tries, self.busy, self.owner = self.epoch + 1, self.tries + 1, True, owner
        self.first = self.due = None
        self.wake = now + lease

    def owns(self, claim: Claim) -> bool:
        return self.busy and (self.epoch, self.owner) == (claim.epoch, claim.owner)

    def _let_go(self, wake: int | None) -> None:
        self.busy, self.owner = False, None
        self.wake = None if self.hold else wake

    def settle(self, now: int, upto: int, pause: int = 0) -> None:
        self.head, self.tries, self.folds, self.retry = upto, 0, 0, now + pause if pause else 0
        if self.tail == self.head:
            self.due = self.first = None
            return self._let_go(None)
        return self._let_go(max(self.retry, now if self.due is None else self.due))

    def cancel(self) -> tuple[int, int] | None:
        """(head, tail) of what was given up."""
        if self.tail == self.head:
            return None
        given_up = self.head, self.tail
        self.epoch, self.head, self.tries, self.folds, self.retry = self.epoch + 1, self.tail, 0, 0, 0
        self.due = self.first = None
        self._let_go(None)
        return given_up

    def fold(self, now: int, claim: Claim, max_folds: int) -> bool:
        if self.tail <= claim.tail or self.folds >= max_folds:
            return False
        self.tries, self.folds = self.tries - 1, self.folds + 1
        self._let_go(now if self.due is None else self.due)
        return True

    def back_off(self, now: int, delay: int) -> None:
        self.retry = now + delay
        self._let_go(self.retry)

    def pause(self, now: int, why: str | None) -> None:
        self.hold = why
        if self.busy:
            return
        if why or self.tail == self.head:
            self.wake = None
        elif self.retry > now:
            self.wake = self.retry
        else:
            self.wake = now if self.due is None else self.due
