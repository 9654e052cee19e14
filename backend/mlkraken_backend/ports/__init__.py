"""What the control plane needs of the outside, one small file a port.

Adapters for one port pass one contract suite: ``tests/contract``.
"""

from mlkraken_backend.ports._artifacts import Artifacts, Slot
from mlkraken_backend.ports._clock import Clock, Ids
from mlkraken_backend.ports._querylog import QueryLog, QueryPoint
from mlkraken_backend.ports._runtime import LogLine, LogPage, ReplicaSpec, Runtime
from mlkraken_backend.ports._store import Answer, Entity, ModelQuery, Page, Remove, Save, Store

__all__ = [
    "Answer",
    "Artifacts",
    "Clock",
    "Entity",
    "Ids",
    "LogLine",
    "LogPage",
    "ModelQuery",
    "Page",
    "QueryLog",
    "QueryPoint",
    "Remove",
    "ReplicaSpec",
    "Runtime",
    "Save",
    "Slot",
    "Store",
]
