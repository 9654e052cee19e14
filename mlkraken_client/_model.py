"""One model with its versions, as the user holds it."""

from __future__ import annotations

from typing import Any

from mlkraken_client import _display
from mlkraken_client._connection import Connection
from mlkraken_client._errors import DeployFailed, NotFound, WaitTimeout
from mlkraken_client._patience import Patience
from mlkraken_client._queries import Queries
from mlkraken_client._secrets import SecretHeaders
from mlkraken_client._service import QUERY_S, Service

__all__ = ["Model", "Version"]


class Version:
    """One immutable bundle of a model.

    Parameters
    ----------
    told
        What the backend says of it.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self.model = str(told["model"])
        self.number = int(told["version"])
        self.digest = str(told["digest"])
        self.size = int(told["size"])
        self.flavor = str(told["flavor"])
        self.created_at = str(told["created_at"])
        self.created_by = str(told["created_by"])
        self.aliases = list(told["aliases"])
        self.signature = dict(told["signature"])
        self.environment = dict(told["environment"])
        self.provenance = dict(told["provenance"])

    def __int__(self) -> int:
        return self.number

    __index__ = __int__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Version):
            return (self.model, self.number) == (other.model, other.number)
        return self.number == other

    def __hash__(self) -> int:
        return hash(self.number)

    def describe(self) -> dict[str, Any]:
        """Return all that the backend says of this version."""
        return dict(self._told)

    def __repr__(self) -> str:
        aliases = f" {', '.join(self.aliases)}" if self.aliases else ""
        return f"<Version {self.model}@{self.number} {self.digest[:19]}{aliases}>"


class Model:
    """A model: its versions, its aliases, and the service that is live.

    Got by ``kraken["churn"]``.

    Parameters
    ----------
    connection
        The control plane.
    name
        The model's name.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name
        self._queries = Queries(connection, name, "live")

    def describe(self) -> dict[str, Any]:
        """Return all that the backend says of this model."""
        told: dict[str, Any] = self._connection.call("GET", f"/models/{self.name}")
        return told

    @property
    def state(self) -> str:
        """State of the live version's service."""
        return str(self.describe()["state"])

    @property
    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        told = self._connection.call("GET", f"/models/{self.name}/versions")
        return [Version(version) for version in told["versions"]]

    @property
    def aliases(self) -> dict[str, int]:
        """Versions by alias; ``live`` is what the stable URL answers with."""
        return dict(self.describe()["aliases"])

    @property
    def live(self) -> Service:
        """The service that the stable URL answers with.

        Raises
        ------
        NotFound
            ``nothing_live``.
        """
        number = self.describe()["live_version"]
        if number is None:
            raise NotFound(
                "nothing_live",
                f"No version of {self.name!r} is live yet.",
                "Wait until its first version is ready.",
            )
        return self.service(number)

    def service(self, version: int | Version) -> Service:
        """Return the service of one version."""
        return Service(self._connection, self.name, int(version))

    @property
    def url(self) -> str:
        """The stable address: queries go to whatever version is live."""
        return f"{self._connection.url}/m/{self.name}"

    def headers(self) -> dict[str, str]:
        """Return the headers that a query to `url` needs; they hold a credential."""
        return SecretHeaders({**self._connection.headers(), "Content-Type": "application/json"})

    def predict(
        self,
        X: Any,  # noqa: N803 - scikit-learn's
        *,
        timeout: float = QUERY_S,
        method: str | None = None,
    ) -> Any:
        """Return what the live version answers; see `Service.predict`."""
        return self._queries.predict(X, timeout, method)

    def query(self, data: Any, *, timeout: float = QUERY_S, **meta: Any) -> dict[str, Any]:
        """Send plain JSON to the live version; see `Service.query`."""
        return self._queries.query(data, {**meta, "modelId": self.name}, timeout)

    def promote(
        self, version: int | Version, *, wait: bool = True, timeout: float = 120.0
    ) -> Service:
        """Make a version live: it is started, takes over once it answers, the old one stops.

        Raises
        ------
        NotFound
            ``version_not_found``.
        DeployFailed
            It did not get ready; what was live still is.
        """
        return self._move({"version": int(version)}, wait, timeout)

    def rollback(self, *, wait: bool = True, timeout: float = 120.0) -> Service:
        """Make live again what was live before.

        Raises
        ------
        Conflict
            ``nothing_before``.
        DeployFailed
            It did not get ready; what was live still is.
        """
        return self._move({"version": "previous"}, wait, timeout)

    def alias(self, name: str, version: int | Version) -> None:
        """Let an alias name a version."""
        self._connection.call(
            "PUT", f"/models/{self.name}/aliases/{name}", {"version": int(version)}
        )

    def delete_version(self, version: int | Version) -> None:
        """Remove a version that no alias names; raises `Conflict` (``version_in_use``)."""
        self._connection.call("DELETE", f"/models/{self.name}/versions/{int(version)}")

    def _move(self, document: dict[str, Any], wait: bool, timeout: float) -> Service:
        told = self._connection.call("PUT", f"/models/{self.name}/aliases/live", document)
        number = told["target_version"] or told["live_version"]
        self._queries.forget()
        return self.await_live(number, timeout) if wait else self.service(number)

    def await_live(self, number: int, timeout: float) -> Service:
        """Wait until a version that was asked for is live.

        Raises
        ------
        DeployFailed
            ``not_promoted``, with the failure's reason and last log lines.
        WaitTimeout
            ``promotion_pending``.
        """
        patience = Patience(timeout)
        while True:
            told = self.describe()
            if told["live_version"] == number and told["target_version"] is None:
                self._queries.forget()
                return self.service(number)
            if told["target_version"] != number:
                raise self._not_promoted(told, number)
            if patience.over:
                raise WaitTimeout(
                    "promotion_pending",
                    f"{self.name}@{number} is not ready after {timeout:g} s; "
                    f"version {told['live_version']} still serves.",
                    "It takes over as soon as it is ready.",
                )
            patience.pause()

    def _not_promoted(self, told: dict[str, Any], number: int) -> DeployFailed:
        service = self.service(number).describe()
        failure = service["failure"] or {}
        reason = service["reason"] or f"version {told['live_version']} was asked for meanwhile"
        return DeployFailed(
            "not_promoted",
            f"{self.name}@{number} did not become live: {reason} "
            f"Version {told['live_version']} still serves.",
            failure.get("hint", ""),
            reason=reason,
            logs=failure.get("logs", []),
        )

    def __repr__(self) -> str:
        return f"<Model {self.name}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return _display.model_bundle(self.describe())
