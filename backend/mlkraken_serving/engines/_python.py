"""The Python engine: models that were pickled, saved by joblib, or logged by MLflow."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import re
import sys
import traceback
from typing import Any

from mlkraken_serving._errors import BundleError, InputError, LoadError, ModelError, ServingError
from mlkraken_serving._manifest import Bundle
from mlkraken_serving._values import Items, ModelInput, Rows, Tuned
from mlkraken_serving.engines._calls import Call, calls_of, classes_of, parameters_of
from mlkraken_serving.engines._environment import check_environment
from mlkraken_serving.engines._frames import native
from mlkraken_serving.engines._loaders import LOADERS

__all__ = ["PythonEngine"]

_PATH = re.compile(r"(?<![\w.:/])/(?:[^\s/'\"]+/)+([^\s/'\",:;)]*)")
_LAST_PART = r"\1"
"""Callers are not told where on this machine something is; the log has the whole path."""

_MLFLOW_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
"""Codes of MLflow's own exception where it is the input that is to blame."""

log = logging.getLogger("mlkraken.serving")


class PythonEngine:
    """Runs a Python object in this process.

    Parameters
    ----------
    bundle
        The bundle to serve. Its ``code/`` folder goes to the front of ``sys.path`` on `load`.
    """

    name = "python"
    lanes = 1
    calls: tuple[str, ...] = ()
    classes: tuple[Any, ...] = ()
    parameters: tuple[str, ...] = ()

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._calls: dict[str, Call] = {}
        fields = bundle.manifest.signature.fields
        self._sparse = fields[0].sparse if fields else ""

    def load(self) -> None:
        """Load the model and find what to call; see `Engine.load`."""
        check_environment(self._bundle)
        code = self._bundle.path("code")
        if code.is_dir():
            sys.path.insert(0, str(code))
        for variable, value in self._bundle.manifest.environment.variables.items():
            os.environ.setdefault(variable, value)
        entry = self._bundle.manifest.entry
        load = LOADERS.get(entry.loader)
        if load is None:
            raise BundleError(
                "bundle_loader_unknown",
                f"The bundle asks for the loader {entry.loader!r}, which this server has not.",
                "Upgrade mlkraken where the model is served.",
            )
        try:
            model = load(self._bundle.path(entry.path))
            self._calls = calls_of(model, entry.call)
            self.calls = tuple(self._calls)
            self.classes = classes_of(model)
            self.parameters = parameters_of(model)
        except (ServingError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise _load_error(error) from error

    def predict(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Any:
        """Answer for all rows of ``data``; see `Engine.predict`."""
        answers = tuple(self._answer(data, self._calls[name]) for name in calls or self.calls[:1])
        return answers if len(calls) > 1 else answers[0]

    def _answer(self, data: ModelInput, call: Call) -> Any:
        if isinstance(data, Tuned):
            return self._answer(data.data, functools.partial(call, params=data.parameters))
        argument = _argument(data, self._sparse)
        try:
            if isinstance(data, Items) and data.each:
                return [call(value) for value in data.values]
            return call(argument)
        except BaseException as error:
            raise _predict_error(error) from error


def _argument(data: Rows, sparse: str) -> Any:
    """Return what the model takes; ``sparse`` names the class of matrices its example was of."""
    try:
        rows = native(data)
        if sparse and type(rows).__name__ != sparse:  # most encodings know dense arrays only
            rows = getattr(importlib.import_module("scipy.sparse"), sparse)(rows)
        return rows
    except ServingError:
        raise
    except Exception as error:  # pandas knows more that cannot be than the signature tells
        log.error("the input could not be built", exc_info=error)
        raise InputError(
            "input_unsupported",
            f"The rows could not be made into what the model takes: {_named(error)}.",
            "Compare them with the example the model was deployed with.",
        ) from error


def _load_error(error: BaseException) -> LoadError:
    if isinstance(error, ModuleNotFoundError):
        return LoadError(
            "module_missing",
            f"The model needs the module {error.name!r}, which is not there where it is served.",
            f"If it is a package, name it: requirements=[{(error.name or '').partition('.')[0]!r}];"
            " if it is a file of yours, pass it: code=['path/to/it'].",
        )
    if isinstance(error, AttributeError) and "__main__" in str(error):
        return LoadError(
            "main_attribute_missing",
            f"The file refers to something defined in the script that made it: {error}.",
            "Deploy the live object instead of the file, or move the definition into a module.",
        )
    return LoadError(
        "load_failed",
        f"Loading the model raised {_named(error)}.",
        "The log has the whole traceback.",
    )


def _predict_error(error: BaseException) -> ServingError:
    if getattr(error, "error_code", "") in _MLFLOW_REFUSALS:
        return InputError(
            "model_refused",
            f"The model takes no such input: {_PATH.sub(_LAST_PART, str(error))}",
            "Compare it with the signature and the parameters that it was logged with.",
        )
    if isinstance(error, SystemExit):
        return ModelError(
            "predict_exited",
            f"The model called sys.exit({error.code!r}) while predicting.",
            "The service goes on; take the exit out of the model's code.",
        )
    return ModelError(
        "predict_failed",
        f"The model raised {_PATH.sub(_LAST_PART, _named(error))}{_place(error)}.",
        "The log has the whole traceback; service.logs() shows it.",
    )


def _named(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException) -> str:
    """Name the last line of the model's own code, without a path of this machine."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "mlkraken_serving" not in frame.filename]
    return f" (in {own[-1].name}, line {own[-1].lineno})" if own else ""
