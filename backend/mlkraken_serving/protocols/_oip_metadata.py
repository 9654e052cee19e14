"""What a model takes and gives, as the Open Inference Protocol describes it."""

from __future__ import annotations

from typing import Any

import msgspec

from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._outputs import LABEL, PROBABILITIES
from mlkraken_serving.protocols._port import Service

__all__ = ["inputs_of", "model_config", "model_metadata", "outputs_of_model"]

_NUMBERS = {
    "bool": "BOOL",
    **{f"int{bits}": f"INT{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UINT{bits}" for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
    "any": "FP64",
}
"""Datatype by a field's dtype; of "any" nobody knows more than that it is mostly numbers."""

_LEVELS = {bool: "BOOL", int: "INT64", float: "FP64"}
_TABLES = ("dataframe", "series", "records", "dict")


def inputs_of(signature: Signature) -> list[dict[str, Any]]:
    """Return the inputs: one a column for tables, one for the rest, none where nothing is known."""
    if signature.kind == "any":
        return []
    return [_described(field.name, field, _shape(signature, field)) for field in signature.fields]


def outputs_of_model(service: Service) -> list[dict[str, Any]]:
    """Return the outputs as far as they are known before the model has been asked."""
    engine = service.engine
    outputs = _outputs(service.manifest.signature.outputs)
    if not engine.classes:
        return outputs
    known = outputs[0]["datatype"] if len(outputs) == 1 else _datatype_of_labels(engine.classes)
    described = [{"name": LABEL, "datatype": known, "shape": [-1]}]
    if "predict_proba" in engine.calls:
        # xgboost computes in single precision, everybody else in double.
        datatype = "FP32" if service.manifest.flavor == "xgboost" else "FP64"
        classes = strict_json(list(engine.classes)).decode()
        described.append(
            {
                "name": PROBABILITIES,
                "datatype": datatype,
                "shape": [-1, len(engine.classes)],
                "parameters": {"classes": classes},
            }
        )
    return described


def model_metadata(service: Service) -> dict[str, Any]:
    """Return the document of ``GET /v2/models/{model}``."""
    manifest, identity = service.manifest, service.identity
    return {
        "name": identity.model,
        "versions": [str(identity.version)],
        "platform": f"{manifest.flavor}_{service.engine.name}",
        "inputs": inputs_of(manifest.signature),
        "outputs": outputs_of_model(service),
        "parameters": {"digest": identity.digest, "methods": ",".join(service.engine.calls)},
    }


def model_config(service: Service) -> dict[str, Any]:
    """Return the document of ``GET /v2/models/{model}/config``, in Triton's words."""
    metadata = model_metadata(service)
    return {
        "name": metadata["name"],
        "platform": metadata["platform"],
        "backend": service.engine.name,
        "version_policy": {"specific": {"versions": [service.identity.version]}},
        "max_batch_size": 0,
        "input": [_configured(one) for one in metadata["inputs"]],
        "output": [_configured(one) for one in metadata["outputs"]],
    }


def _configured(described: dict[str, Any]) -> dict[str, Any]:
    datatype = described["datatype"]
    return {
        "name": described["name"],
        "data_type": f"TYPE_{'STRING' if datatype == 'BYTES' else datatype}",
        "dims": described["shape"],
    }


def _outputs(described: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what the model answered in the notebook, named as it will be answered here."""
    if described is None:
        return []
    signature = msgspec.convert(described, Signature)
    fields = signature.fields
    if any(field.dtype in ("any", "json") for field in fields):
        return []  # their cells may be vectors of any type: silence misleads less than a guess
    if signature.kind in ("dataframe", "records", "dict"):
        return [_described(field.name, field, [-1]) for field in fields]
    (field,) = fields
    named = signature.kind == "series" and field.label != "none"
    shape = (
        field.shape if signature.kind == "ndarray" else [1 if signature.kind == "scalar" else -1]
    )
    return [_described(field.name if named else "predict", field, shape or [-1])]


def _shape(signature: Signature, field: Field) -> list[int]:
    if signature.kind in _TABLES:
        return [-1, 1]
    return [1] if signature.kind == "scalar" else field.shape or [-1]


def _described(name: str, field: Field, shape: list[int]) -> dict[str, Any]:
    document: dict[str, Any] = {"name": name, "datatype": _datatype(field), "shape": shape}
    if field.dtype in ("datetime", "date", "timedelta", "decimal", "json", "bytes"):
        document["parameters"] = {"dtype": field.dtype}
    return document


def _datatype(field: Field) -> str:
    if field.dtype == "category":
        return _datatype_of_labels(field.levels or [])
    return _NUMBERS.get(field.dtype, "BYTES")


def _datatype_of_labels(labels: Any) -> str:
    kinds = {type(label) for label in labels}
    return _LEVELS.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"
