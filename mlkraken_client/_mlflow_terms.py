"""What MLflow's deployment plugin says in MLflow's own terms: options, bodies and errors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2 as codes
from mlflow.utils.proto_json_utils import dump_input_data

from mlkraken_client._errors import (
    ConfigurationError,
    Conflict,
    InvalidRequest,
    KrakenError,
    NotAuthorized,
    NotFound,
    PackError,
    ServiceNotRunning,
    WaitTimeout,
)

__all__ = ["OPTIONS", "body_of", "invalid", "options_of", "refusal", "translated"]

_FORMS = frozenset(["dataframe_split", "dataframe_records", "instances", "inputs"])


def _yes(text: Any) -> bool:
    return str(text).lower() in ("1", "true", "yes")


OPTIONS: dict[str, Callable[[Any], Any]] = {
    "cpu": float,
    "memory": str,
    "replicas": int,
    "workers": int,
    "timeout": float,
    "deadline": float,
    "description": str,
    "batch": _yes,
    "live": _yes,
    "compile": _yes,
}
"""What ``-C name=value`` may say, as `Kraken.deploy` takes it."""

_CODES: list[tuple[type[KrakenError], int]] = [
    (NotFound, codes.RESOURCE_DOES_NOT_EXIST),
    (Conflict, codes.RESOURCE_CONFLICT),
    (NotAuthorized, codes.PERMISSION_DENIED),
    (InvalidRequest, codes.INVALID_PARAMETER_VALUE),
    (ConfigurationError, codes.INVALID_PARAMETER_VALUE),
    (PackError, codes.INVALID_PARAMETER_VALUE),
    (ServiceNotRunning, codes.TEMPORARILY_UNAVAILABLE),
    (WaitTimeout, codes.DEADLINE_EXCEEDED),
    (KrakenError, codes.INTERNAL_ERROR),
]
"""MLflow's code of every error, most specific class first."""


def options_of(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return ``-C name=value`` as `Kraken.deploy` takes it; raises `MlflowException`."""
    options = {}
    for name, value in (config or {}).items():
        if name not in OPTIONS:
            raise invalid(f"There is no option {name!r}; there are {', '.join(OPTIONS)}.")
        try:
            options[name] = OPTIONS[name](value)
        except ValueError as error:
            raise invalid(f"The option {name} cannot be {value!r}.") from error
    return options


def body_of(inputs: Any, params: Mapping[str, Any] | None) -> bytes:
    """Return inputs of any kind that MLflow's clients take as a body of the scoring protocol."""
    if hasattr(inputs, "to_frame"):
        inputs = inputs.to_frame()
    if isinstance(inputs, Mapping):
        wrapped = inputs if _FORMS & inputs.keys() else {"inputs": dict(inputs)}
        inputs = json.dumps(wrapped, default=lambda value: value.tolist())
    document = json.loads(dump_input_data(inputs))
    return json.dumps({**document, "params": dict(params)} if params else document).encode()


def refusal(body: bytes) -> MlflowException | None:
    """Return what the service's error stands for; None where the gateway itself refused."""
    told = json.loads(body)
    if "error_code" not in told:
        return None
    return MlflowException(told["message"], codes.ErrorCode.Value(told["error_code"]))


def invalid(message: str) -> MlflowException:
    """Return the error of an argument that cannot be."""
    return MlflowException(message, codes.INVALID_PARAMETER_VALUE)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise our errors as MLflow's, which its command line shows without a traceback."""
    try:
        yield
    except KrakenError as error:
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        raise MlflowException(f"{error.message} {error.hint}".strip(), code) from error
