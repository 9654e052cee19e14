"""The nouns of the control plane, as immutable values.

Times are seconds since 1970 in UTC. Everything stored carries a ``revision``: a save names the
revision it expects, so of two savers who read the same one exactly one wins.
"""

from mlkraken_backend.values._events import Event
from mlkraken_backend.values._failure import Failure
from mlkraken_backend.values._models import LIVE, Alias, Model
from mlkraken_backend.values._services import Parity, Replica, Service, ServiceBrief, Size, State
from mlkraken_backend.values._tokens import Scope, Token
from mlkraken_backend.values._versions import Intent, Upload, Version

__all__ = [
    "LIVE",
    "Alias",
    "Event",
    "Failure",
    "Intent",
    "Model",
    "Parity",
    "Replica",
    "Scope",
    "Service",
    "ServiceBrief",
    "Size",
    "State",
    "Token",
    "Upload",
    "Version",
]
