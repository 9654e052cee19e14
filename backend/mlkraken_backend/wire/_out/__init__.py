"""Documents that leave."""

from mlkraken_backend.wire._out._common import EndpointOut, endpoint_out, memory_text, moment
from mlkraken_backend.wire._out._models import ModelOut, ModelsOut, model_out
from mlkraken_backend.wire._out._others import (
    EventsOut,
    TokenOut,
    TokensOut,
    event_out,
    token_out,
)
from mlkraken_backend.wire._out._services import (
    EndpointsOut,
    LogsOut,
    ServiceOut,
    TimesOut,
    service_out,
)
from mlkraken_backend.wire._out._versions import (
    CommittedOut,
    UploadOut,
    VersionOut,
    VersionsOut,
    version_out,
)

__all__ = [
    "CommittedOut",
    "EndpointOut",
    "EndpointsOut",
    "EventsOut",
    "LogsOut",
    "ModelOut",
    "ModelsOut",
    "ServiceOut",
    "TimesOut",
    "TokenOut",
    "TokensOut",
    "UploadOut",
    "VersionOut",
    "VersionsOut",
    "endpoint_out",
    "event_out",
    "memory_text",
    "model_out",
    "moment",
    "service_out",
    "token_out",
    "version_out",
]
