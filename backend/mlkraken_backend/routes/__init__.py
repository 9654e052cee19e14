"""HTTP in front of the use cases: parse, call, answer, and nothing else."""

from mlkraken_backend.routes._app import build_app
from mlkraken_backend.routes._hub import Hub

__all__ = ["Hub", "build_app"]
