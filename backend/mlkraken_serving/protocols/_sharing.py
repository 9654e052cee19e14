"""Several protocols at one path, told apart by the query itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import ServingError
from mlkraken_serving.protocols._port import Ask, Query, QueryProtocol, Reply

__all__ = ["Case", "SharedPath"]

Case: TypeAlias = tuple[Callable[[Query], bool], QueryProtocol]
"""What tells that a query is in a protocol, and the protocol."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    protocol: QueryProtocol
    ask: Ask


class SharedPath:
    """Answers a query in the first protocol that it is in.

    Parameters
    ----------
    usual
        The protocol of all other queries, and of every failure.
    cases
        The others, in the order in which they are tried.
    """

    def __init__(self, usual: QueryProtocol, *cases: Case) -> None:
        self._usual = usual
        self._cases = cases

    def read(self, query: Query) -> Ask:
        """Return what the query wants; see `QueryProtocol.read`."""
        for is_meant, protocol in self._cases:
            if is_meant(query):
                ask = protocol.read(query)
                return Ask(ask.data, ask.calls, _Chosen(protocol, ask))
        return self._usual.read(query)

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Return the answer in the query's protocol; see `QueryProtocol.write`."""
        chosen = ask.context
        if isinstance(chosen, _Chosen):
            return chosen.protocol.write(chosen.ask, prediction, query)
        return self._usual.write(ask, prediction, query)

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Return an error in the usual protocol's form; see `QueryProtocol.failed`."""
        return self._usual.failed(error, status, request_id)
