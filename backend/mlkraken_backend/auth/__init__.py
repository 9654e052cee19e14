"""Credentials: who is calling, and what they may do."""

from mlkraken_backend.auth._caller import Authenticator, Caller
from mlkraken_backend.auth._signer import Signer

__all__ = ["Authenticator", "Caller", "Signer"]
