"""Writes that may be sent twice and happen once."""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import Conflict, Invalid, RevisionConflict
from mlkraken_backend.ports import Answer, Remove, Save
from mlkraken_backend.usecases._outside import Outside

__all__ = ["Once"]

_UNDER_WAY = 0
_LONGEST_S = 60.0
"""No write takes longer; what is under way since then died with the process that did it."""


class Once:
    """Remembers answers by the caller's ``Idempotency-Key`` for a day."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def begin(self, key: str, fingerprint: str) -> Answer | None:
        """Return the answer to give again, or None when the write is to be done now.

        Raises
        ------
        Invalid
            ``idempotency_key_reused`` for another request than the first.
        Conflict
            ``idempotency_under_way`` while the first is not done.
        """
        there = self._outside.store.answer(key)
        if (there is None or self._died(there)) and self._claim(key, fingerprint, there):
            return None
        there = there or self._outside.store.answer(key)
        if there is not None and there.fingerprint != fingerprint:
            raise Invalid(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request.",
                "Use a new key for every write.",
            )
        if there is None or there.status == _UNDER_WAY:
            raise Conflict(
                "idempotency_under_way",
                "The first request with this Idempotency-Key is not done yet.",
                "Ask again in a moment.",
            )
        return there

    def finish(self, key: str, status: int, body: bytes) -> None:
        """Remember what the write was answered."""
        there = self._outside.store.answer(key)
        if there is not None:
            done = msgspec.structs.replace(there, status=status, body=body)
            self._outside.store.commit([Save(done)])

    def give_up(self, key: str) -> None:
        """Forget a write that failed, so that it can be tried again with the same key."""
        there = self._outside.store.answer(key)
        if there is not None:
            self._outside.store.commit([Remove(there)])

    def _died(self, there: Answer) -> bool:
        age = self._outside.clock.now() - there.at
        return there.status == _UNDER_WAY and not 0 <= age <= _LONGEST_S

    def _claim(self, key: str, fingerprint: str, before: Answer | None) -> bool:
        now, revision = self._outside.clock.now(), before.revision if before else 0
        try:
            answer = Answer(key, fingerprint, _UNDER_WAY, b"", now, revision)
            self._outside.store.commit([Save(answer)])
        except RevisionConflict:
            return False
        return True
