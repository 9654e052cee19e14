"""Start a bundle as SageMaker starts containers: ``python -m mlkraken_serving.sagemaker serve``.

::

    FROM python:3.11-slim
    RUN pip install mlkraken -r requirements.lock
    ENTRYPOINT ["python", "-m", "mlkraken_serving.sagemaker"]

SageMaker unpacks the bundle, an archive of what ``mlkraken pack`` wrote, to ``/opt/ml/model`` and
runs ``docker run IMAGE serve``. Its variables become the model server's options, then the server
takes this process's place, so that SIGTERM reaches it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from mlkraken_serving._errors import BundleError, ServingError
from mlkraken_serving._main import EXIT_REFUSED

__all__ = ["main", "server_arguments"]

_PORT = "8080"
_DRAIN_S = "25"
"""SageMaker kills 30 s after it has asked to end."""

_TOKEN = "MLKRAKEN_TOKEN"  # noqa: S105 - the name of a variable
_OPTIONS = {
    "SAGEMAKER_BIND_TO_PORT": "--port",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT": "--deadline",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "--deadline",
    "SAGEMAKER_MODEL_SERVER_WORKERS": "--workers",
    "SAGEMAKER_MAX_PAYLOAD_IN_MB": "--most-mib",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "--accept",
    "SAGEMAKER_CONTAINER_LOG_LEVEL": "--log-level",
}
"""Variables that say the same as an option of the server, a later one instead of an earlier."""

_NUMBERS = ("--port", "--deadline", "--workers", "--most-mib", "--log-level")
log = logging.getLogger("mlkraken.serving")


def server_arguments(environment: Mapping[str, str]) -> list[str]:
    """Return the arguments of ``python -m mlkraken_serving``.

    Parameters
    ----------
    environment
        The container's. A token in ``MLKRAKEN_TOKEN`` is asked of every query; without it the
        server is open, as SageMaker sends none and lets nobody else in.

    Raises
    ------
    BundleError
        ``bundle_missing``.
    ServingError
        ``variable_invalid`` or ``multi_model_unsupported``.
    """
    if environment.get("SAGEMAKER_MULTI_MODEL", "false").lower() == "true":
        raise ServingError(
            "multi_model_unsupported",
            "The container was started for many models; a model server has one.",
            "Make an endpoint with one model, or use the backend, which has many.",
        )
    options = {"--host": "0.0.0.0", "--port": _PORT, "--drain": _DRAIN_S}  # noqa: S104
    for variable, option in _OPTIONS.items():
        value = environment.get(variable, "")
        if value:
            options[option] = _checked(variable, option, value)
    if environment.get(_TOKEN):
        options["--token-env"] = _TOKEN
    folder = _bundle(Path(environment.get("SAGEMAKER_BASE_DIR") or "/opt/ml") / "model")
    return [str(folder), *(f"{option}={value}" for option, value in options.items())]


def main(argv: list[str] | None = None) -> NoReturn:
    """Become the model server."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    words = sys.argv[1:] if argv is None else argv
    if words != ["serve"]:
        log.error("The one command here is serve, not %s.", " ".join(words) or "nothing")
        sys.exit(2)
    try:
        arguments = server_arguments(os.environ)
    except ServingError as error:
        log.error("%s %s", error.message, error.hint)
        sys.exit(EXIT_REFUSED)
    if os.environ.get("SAGEMAKER_PROGRAM"):
        log.warning("SAGEMAKER_PROGRAM is not looked at: the bundle says what runs.")
    os.execv(sys.executable, [sys.executable, "-m", "mlkraken_serving", *arguments])  # noqa: S606


def _checked(variable: str, option: str, value: str) -> str:
    if option in _NUMBERS and not value.isdecimal():
        raise ServingError(
            "variable_invalid",
            f"{variable} is {value!r}, which is not a whole number.",
            "Set it to one, or leave it out.",
        )
    return value


def _bundle(folder: Path) -> Path:
    """Return the bundle in ``folder``: itself, or the only folder in it that is one."""
    if (folder / "kraken.json").is_file():
        return folder
    inside = sorted(path.parent for path in folder.glob("*/kraken.json"))
    if len(inside) == 1:
        return inside[0]
    raise BundleError(
        "bundle_missing",
        f"There is {'no' if not inside else 'more than one'} bundle in {folder}.",
        "Make one with `mlkraken pack PATH -o bundle`, then `tar -czf model.tar.gz -C bundle .`",
    )


if __name__ == "__main__":
    main()
