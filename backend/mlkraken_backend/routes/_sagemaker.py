"""SageMaker's runtime API in front of the models, so that the AWS SDKs are clients of ours.

With ``endpoint_url=URL/sagemaker`` boto3 asks ``POST /sagemaker/endpoints/{name}/invocations``; the
body goes to the model's ``/invocations`` and comes back as it is. A request that SigV4 signs has no
place for a bearer token, so ours travels as the session token of the credentials; the signature
itself proves nothing here and is not looked at.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mlkraken_backend._errors import (
    BackendError,
    Forbidden,
    Invalid,
    NotFound,
    NotServing,
    Unauthenticated,
    Upstream,
)
from mlkraken_backend.auth import Authenticator
from mlkraken_backend.routes._gateway import Gateway, read_whole
from mlkraken_backend.routes._http import id_of
from mlkraken_backend.usecases.queries import Target

__all__ = ["SageMakerRuntime"]

_SIGNED = "AWS4-"
_VARIANT = "x-amzn-sagemaker-target-variant"
_INVOKED = "x-amzn-Invoked-Production-Variant"
_MOST_MESSAGE = 4096

_ERRORS: list[tuple[type[BackendError], int, str]] = [
    (NotFound, 400, "ValidationError"),
    (Invalid, 400, "ValidationError"),
    (Unauthenticated, 401, "UnrecognizedClientException"),
    (Forbidden, 403, "AccessDeniedException"),
    (NotServing, 503, "ServiceUnavailable"),
    (Upstream, 503, "ServiceUnavailable"),
    (BackendError, 500, "InternalFailure"),
]
"""Status and type of every error, most specific class first, as the SDKs know them."""


class SageMakerRuntime:
    """Answers the runtime API.

    Parameters
    ----------
    gateway
        Passes queries on.
    authenticator
        Checks the caller.
    """

    def __init__(self, gateway: Gateway, authenticator: Authenticator) -> None:
        self._gateway = gateway
        self._authenticator = authenticator

    async def invoke(self, request: Request) -> Response:
        """Serve ``POST /sagemaker/endpoints/{endpoint}/invocations``.

        The endpoint is a model, ``churn``, ``churn@live`` or ``churn@3``; a target variant is an
        alias or version of it.
        """
        try:
            return await self._invoked(request)
        except BackendError as error:
            return _failed(request, error)

    async def refuse(self, request: Request) -> Response:
        """Serve every other path below ``/sagemaker/``, which is not there, in words of the API."""
        return _failed(
            request,
            Invalid(
                "operation_unknown",
                f"{request.method} {request.url.path} is not an operation of this runtime.",
                "invoke_endpoint is the one there is.",
            ),
        )

    async def _invoked(self, request: Request) -> Response:
        reference = str(request.path_params["endpoint"])
        caller = self._authenticator.caller(_credential(request))
        caller.need("query", reference.partition("@")[0])
        variant = request.headers.get(_VARIANT)
        if variant and "@" not in reference:
            reference = f"{reference}@{variant}"
        target = await self._gateway.find(reference)
        answer = await self._gateway.ask(request, target, "/invocations", request.stream())
        if answer.status >= 400:
            body = await read_whole(target, answer)
            return _model_failed(request, target, answer.status, body)
        response = await self._gateway.answered(request, target, answer)
        response.headers.update(_told(request))
        response.headers[_INVOKED] = str(target.version)
        return response


def _credential(request: Request) -> str:
    given = request.headers.get("authorization", "")
    if not given.startswith(_SIGNED):
        return given
    token = request.headers.get("x-amz-security-token", "")
    if not token:
        raise Unauthenticated(
            "token_missing",
            "The request is signed, but carries no token of this backend.",
            "Give the SDK the token as its session token: aws_session_token=TOKEN or "
            "AWS_SESSION_TOKEN; the two keys can be anything.",
        )
    return f"Bearer {token}"


def _told(request: Request) -> dict[str, str]:
    return {"x-request-id": id_of(request), "x-amzn-RequestId": id_of(request)}


def _failed(request: Request, error: BackendError) -> Response:
    status, kind = next((s, k) for base, s, k in _ERRORS if isinstance(error, base))
    if error.code == "service_pending":
        status, kind = 429, "ModelNotReadyException"
    message = f"{error.message} {error.hint}".strip()
    return _error(request, status, kind, {"Message": message, "ErrorCode": error.code})


def _model_failed(request: Request, target: Target, status: int, body: bytes) -> Response:
    """Answer a failure of the model as SageMaker does, what the model said inside."""
    whose = "client" if status < 500 else "server"
    told = body.decode("utf-8", "replace")[:_MOST_MESSAGE]
    place = f"/api/v1/models/{target.model}/versions/{target.version}/service/logs"
    document = {
        "Message": f"Received {whose} error ({status}) from {target.model}@{target.version} with "
        f'message "{_message(told)}". See {place}.',
        "OriginalStatusCode": status,
        "OriginalMessage": told,
        "LogStreamArn": place,
    }
    response = _error(request, 424, "ModelError", document)
    response.headers[_INVOKED] = str(target.version)
    return response


def _message(told: str) -> str:
    try:
        document = json.loads(told)
    except ValueError:
        return told
    return str(document.get("message", told)) if isinstance(document, dict) else told


def _error(request: Request, status: int, kind: str, document: dict[str, Any]) -> Response:
    headers = {**_told(request), "x-amzn-ErrorType": kind}
    body = msgspec.json.encode(document)
    return Response(body, status, headers, media_type="application/json")
