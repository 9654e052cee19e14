"""The servers under test, ours first: its answer is what the echo server gives."""

from __future__ import annotations

from collections.abc import Sequence

from serving.peers._batching import BentoMl, LitServe, RayServe
from serving.peers._byhand import FastApi, Flask
from serving.peers._ours import Compiled, Kraken, KrakenServe
from serving.peers._peer import Peer
from serving.peers._servers import MlFlow, MlServer, Vetiver

__all__ = ["OURS", "PEERS"]

OURS: Sequence[Peer] = (Kraken(), Compiled(), KrakenServe())
PEERS: Sequence[Peer] = (
    FastApi(),
    Flask(),
    MlServer(),
    LitServe(),
    Vetiver(),
    BentoMl(),
    MlFlow(),
    RayServe(),
)
