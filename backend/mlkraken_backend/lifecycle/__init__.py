"""What a service, an alias and a version do next: values in, values and commands out, no I/O."""

from mlkraken_backend.lifecycle._policy import Policy
from mlkraken_backend.lifecycle._promotion import Settled, ask_alias, release_alias, settle
from mlkraken_backend.lifecycle._replicas import brief
from mlkraken_backend.lifecycle._service import advance
from mlkraken_backend.lifecycle._steps import Command, Kill, Sighting, Start, Step, Stop
from mlkraken_backend.lifecycle._wants import want_restart, want_running, want_stopped

__all__ = [
    "Command",
    "Kill",
    "Policy",
    "Settled",
    "Sighting",
    "Start",
    "Step",
    "Stop",
    "advance",
    "ask_alias",
    "brief",
    "release_alias",
    "settle",
    "want_restart",
    "want_running",
    "want_stopped",
]
