"""One version being served, as the user holds it."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any, Literal, overload

from mlkraken_client import _display
from mlkraken_client._connection import Connection
from mlkraken_client._curl import curl_command
from mlkraken_client._logs import LogLines, LogStream, read_logs
from mlkraken_client._queries import Queries
from mlkraken_client._secrets import SecretHeaders
from mlkraken_client._times import times_table
from mlkraken_client._waiting import await_state

if TYPE_CHECKING:
    import pandas as pd

    from mlkraken_client._graph import ResponseTimeGraph

__all__ = ["Service"]

QUERY_S = 60.0


class Service:
    """One version of a model as a network service.

    Got from `Kraken.deploy`, ``kraken["churn"].live`` or ``kraken["churn"].service(2)``.

    Parameters
    ----------
    connection
        The control plane.
    model
        Name of the model.
    version
        Version number.
    """

    def __init__(self, connection: Connection, model: str, version: int) -> None:
        self._connection = connection
        self.model = model
        self.version = version
        self._queries = Queries(connection, model, version)

    def predict(
        self,
        X: Any,  # noqa: N803 - scikit-learn's
        *,
        timeout: float = QUERY_S,
        method: str | None = None,
    ) -> Any:
        """Return what ``model.predict(X)`` returns in the notebook: same type, same values.

        Parameters
        ----------
        X
            DataFrame, Series, array, list, dict or value, like the example.
        timeout
            Seconds to wait for the answer.
        method
            Another method of the model than its usual, such as ``"predict_proba"``.

        Raises
        ------
        InputRefused
            ``X`` does not fit the model's signature.
        ModelFailed
            The model's own code raised; with the last log lines.
        ServiceNotRunning
            The service does not answer; with reason and last log lines.
        WaitTimeout
            The answer took longer than ``timeout``.
        """
        return self._queries.predict(X, timeout, method)

    def query(self, data: Any, *, timeout: float = QUERY_S, **meta: Any) -> dict[str, Any]:
        """Send plain JSON and return plain JSON; raises what `predict` raises.

        Parameters
        ----------
        data
            ``modelData``: a row object, rows, a column object, a matrix, or a list of values.
        timeout
            Seconds to wait for the answer.
        **meta
            Entries for ``metaData``; the answer echoes them.

        Returns
        -------
        dict
            ``{"result": ..., "metaData": {"modelId", "version", "digest", ...}}``.
        """
        return self._queries.query(data, {**meta, "modelId": self.model}, timeout)

    def graph(self) -> ResponseTimeGraph:
        """Return the live graph of response times: one new point for every query."""
        from mlkraken_client._graph import ResponseTimeGraph

        return ResponseTimeGraph.of(self._connection, self.model, self.version)

    def response_times(self, *, since: float | None = None, limit: int = 100_000) -> pd.DataFrame:
        """Return the newest recorded response times, oldest first.

        Parameters
        ----------
        since
            Seconds since 1970; earlier queries are left out.
        limit
            Most rows.

        Returns
        -------
        pandas.DataFrame
            ``sent_at``, ``response_ms``, ``model_ms``, ``rows``, ``version``, ``status`` and
            ``request_id``.
        """
        told = self._connection.call(
            "GET", f"{self._path}/response-times", query={"since": since, "limit": limit}
        )
        return times_table(told["points"])

    @property
    def state(self) -> str:
        """``stopped``, ``pending``, ``running``, ``stopping`` or ``failed``."""
        return str(self.describe()["state"])

    @property
    def reason(self) -> str:
        """Why it is in its state, "" when nothing is to be said."""
        return str(self.describe()["reason"])

    @property
    def endpoints(self) -> list[dict[str, Any]]:
        """The replicas' addresses: ``ip``, ``port``, ``url`` and ``state``."""
        return list(self.describe()["endpoints"])

    @property
    def url(self) -> str:
        """The service's own address: POST queries there, with `headers`."""
        return self._queries.route().urls[0].rstrip("/")

    def headers(self) -> dict[str, str]:
        """Return the headers a query needs; the token in them lives for minutes."""
        bearer = f"Bearer {self._queries.route().token}"
        return SecretHeaders({"Authorization": bearer, "Content-Type": "application/json"})

    def curl(self) -> str:
        """Return a shell command that queries this service with its example.

        The token is not in it: the command reads it where it is kept.
        """
        return curl_command(self._connection, self.url, self.model, self.version)

    def describe(self) -> dict[str, Any]:
        """Return all that the backend says of this service."""
        return dict(self._connection.call("GET", self._path))

    @overload
    def logs(self, *, follow: Literal[False] = False, limit: int = 1000) -> LogLines: ...
    @overload
    def logs(self, *, follow: Literal[True], limit: int = 1000) -> LogStream: ...
    @overload
    def logs(self, *, follow: bool, limit: int = 1000) -> LogLines | LogStream: ...
    def logs(self, *, follow: bool = False, limit: int = 1000) -> LogLines | LogStream:
        """Return the last log lines, or with ``follow`` a stream of them as they are written.

        Parameters
        ----------
        follow
            Iterate over the stream, or let a notebook show it; interrupting ends only that.
        limit
            Most lines to begin with.
        """
        if follow:
            return LogStream(self._connection, self._path, limit)
        return read_logs(self._connection, self._path, limit)

    def start(self, *, wait: bool = True, timeout: float = 120.0, **size: Any) -> Service:
        """Start the service.

        Parameters
        ----------
        wait, timeout
            Whether to return when it answers, and seconds it has for that.
        **size
            ``cpu``, ``memory``, ``replicas`` or ``workers``, where they shall change.

        Raises
        ------
        ServiceNotRunning
            ``service_failed``: it did not get ready, with reason and last log lines.
        WaitTimeout
            ``service_pending``: it is still on its way.
        """
        self._put(desired="running", start_timeout=timeout, **size)
        return self.wait(timeout=timeout) if wait else self

    def stop(self, *, wait: bool = True, timeout: float = 60.0) -> Service:
        """Stop the service: queries under way are finished, new ones refused."""
        self._put(desired="stopped")
        return self._await(("stopped",), timeout) if wait else self

    def restart(self, *, wait: bool = True, timeout: float = 120.0) -> Service:
        """Stop the service's replicas and start fresh ones."""
        before = {item["replica"] for item in self.endpoints}
        self._put(restart=True, desired="running", start_timeout=timeout)
        if not wait:
            return self
        return self._await(("running",), timeout, unlike=before)

    def scale(self, *, replicas: int | None = None, **size: Any) -> Service:
        """Change ``replicas``, ``workers``, ``cpu`` or ``memory``."""
        self._put(replicas=replicas, **size)
        return self

    def wait(self, *, timeout: float = 120.0) -> Service:
        """Wait until the service answers.

        Raises
        ------
        ServiceNotRunning
            It failed or was stopped; with reason and last log lines.
        WaitTimeout
            It is still on its way after ``timeout`` seconds.
        """
        return self._await(("running",), timeout)

    @property
    def _path(self) -> str:
        return f"/models/{self.model}/versions/{self.version}/service"

    def _put(self, **wanted: Any) -> None:
        document = {name: value for name, value in wanted.items() if value is not None}
        self._connection.call("PUT", self._path, document)
        self._queries.forget()

    def _await(
        self, states: tuple[str, ...], timeout: float, unlike: Set[str] = frozenset()
    ) -> Service:
        await_state(self._connection, self._queries, states, timeout, unlike)
        return self

    def __repr__(self) -> str:
        return f"<Service {self.model}@{self.version}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return _display.service_bundle(self, self.describe())
