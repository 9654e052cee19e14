"""Verified compile: a model as an ONNX graph that was proven to answer as the model does."""

from mlkraken_client._compile._attempt import Attempt, compile_model, missing_modules

__all__ = ["Attempt", "compile_model", "missing_modules"]
