"""The live graph of response times under a cell."""

from mlkraken_client._graph._graph import ResponseTimeGraph

__all__ = ["ResponseTimeGraph"]
