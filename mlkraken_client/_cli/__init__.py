"""The command line: thin commands over the same objects that notebooks use."""

from mlkraken_client._cli._main import main

__all__ = ["main"]
