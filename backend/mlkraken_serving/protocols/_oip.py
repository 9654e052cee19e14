"""The Open Inference Protocol, version 2, over HTTP: inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import BodyError, ServingError
from mlkraken_serving.codecs._columns import shown
from mlkraken_serving.codecs._oip_input import TensorInput
from mlkraken_serving.codecs._outputs import LABEL, PROBABILITIES, outputs_of_calls
from mlkraken_serving.protocols._oip_metadata import inputs_of
from mlkraken_serving.protocols._oip_pages import oip_pages
from mlkraken_serving.protocols._oip_read import (
    HEADER,
    InferRequest,
    check_model,
    read_request,
    read_single,
)
from mlkraken_serving.protocols._oip_write import chosen, failed, write_outputs
from mlkraken_serving.protocols._port import Ask, Endpoint, Query, Reply, Served, Service

__all__ = ["OpenInference", "open_inference"]

_OWN = ("binary_data_output", "binary_data", "method")
"""Parameters of a request that say how it is to be answered; others are told again."""


@dataclass(frozen=True, slots=True)
class _Context:
    request: InferRequest
    calls: tuple[str, ...]


class OpenInference:
    """Answers ``POST /v2/models/{model}[/versions/{version}]/infer``.

    All outputs of a classifier are its labels and its probabilities. ``parameters.method`` asks
    for another method of the model, as does the name of that method as a requested output.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._inputs = TensorInput(service.manifest.signature)
        engine = service.engine
        self._own = engine.calls[0] if engine.calls else "predict"
        self._classifies = bool(engine.classes) and "predict_proba" in engine.calls
        labels = {LABEL: self._own, PROBABILITIES: "predict_proba"} if self._classifies else {}
        self._by_output = labels | {name: name for name in engine.calls[1:]}

    def read(self, query: Query) -> Ask:
        """See `QueryProtocol.read`."""
        check_model(query, self._service.identity)
        alone = query.headers.get(HEADER) == b"0"
        request = self._single(query) if alone else read_request(query)
        calls = self._calls(request)
        frame = request.parameters.get("content_type") == "pd"
        data = self._inputs.read(request.inputs, frame=frame)
        return Ask(data, () if calls == (self._own,) else calls, _Context(request, calls))

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """See `QueryProtocol.write`."""
        context: _Context = ask.context
        request, identity = context.request, self._service.identity
        calls = tuple("predict" if call == self._own else call for call in context.calls)
        classes = self._service.engine.classes
        outputs = outputs_of_calls(prediction.value, calls, classes, prediction.rows)
        head: dict[str, Any] = {
            "model_name": identity.model,
            "model_version": str(identity.version),
        }
        if request.id is not None:
            head["id"] = request.id
        told = {key: value for key, value in request.parameters.items() if key not in _OWN}
        if told:
            head["parameters"] = told
        outputs = chosen(outputs, request.outputs, tuple(self._by_output))
        always = request.parameters.get("binary_data_output") is True
        each = [one.binary for one in request.outputs] or [None] * len(outputs)
        return write_outputs(head, outputs, [always if one is None else one for one in each])

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """See `QueryProtocol.failed`."""
        return failed(error, status, request_id)

    def _single(self, query: Query) -> InferRequest:
        inputs = inputs_of(self._service.manifest.signature)
        if len(inputs) == 1:
            return read_single(query, inputs[0])
        raise BodyError(
            "header_length",
            f"A body of raw bytes alone is for models of one input; this one has {len(inputs)}.",
            "Describe the inputs in JSON, and send its length in Inference-Header-Content-Length.",
        )

    def _calls(self, request: InferRequest) -> tuple[str, ...]:
        """Return the model's methods that give what the request wants, in the engine's order."""
        method = request.parameters.get("method")
        if method is not None:
            if method in self._service.engine.calls:
                return (method,)
            raise BodyError(
                "method_unknown",
                f"The model has no method {shown(method)} to ask for.",
                f"It has {', '.join(self._service.engine.calls)}.",
            )
        if request.outputs:
            wanted = {self._by_output.get(one.name, self._own) for one in request.outputs}
            return tuple(call for call in self._service.engine.calls if call in wanted)
        return (self._own, "predict_proba") if self._classifies else (self._own,)


def open_inference(service: Service) -> Served:
    """Return all that the protocol answers."""
    protocol = OpenInference(service)
    paths = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
    endpoints = tuple(Endpoint(path, protocol) for path in paths)
    return Served(endpoints, oip_pages(service), {"/v2": failed})
