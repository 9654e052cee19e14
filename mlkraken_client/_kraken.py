"""The client: one object that deploys models and finds them again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlkraken_client._connection import Connection
from mlkraken_client._errors import NotFound, WaitTimeout
from mlkraken_client._locate import locate
from mlkraken_client._model import Model
from mlkraken_client._models import ModelList
from mlkraken_client._patience import Patience
from mlkraken_client._service import Service

__all__ = ["Kraken"]


class Kraken:
    """Deploys models and finds them again.

    Parameters
    ----------
    backend
        ``"embedded"``, a URL, or the name of a backend in the configuration file. Without it:
        ``MLKRAKEN_URL``, then the configuration file, then the embedded backend of this account,
        which is started when it is first needed.
    token
        Token for a URL; otherwise ``MLKRAKEN_TOKEN`` or ``MLKRAKEN_TOKEN_FILE``.
    home
        Home of the embedded backend; otherwise ``MLKRAKEN_HOME`` or the platform's folder.

    Raises
    ------
    ConfigurationError
        The backend is not known, or there is no token for it.

    Examples
    --------
    >>> kraken = Kraken()                                            # doctest: +SKIP
    >>> service = kraken.deploy(model, "churn", example=X.head())    # doctest: +SKIP
    >>> service.predict(X)                                           # doctest: +SKIP
    """

    def __init__(
        self,
        backend: str | None = None,
        *,
        token: str | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        self.connection = Connection(locate(backend, token=token, home=home))
        """The conversation with the control plane, for calls that have no method here."""

    def deploy(
        self,
        model: Any,
        name: str,
        *,
        example: Any = None,
        runtime: str | None = None,
        requirements: str | Path | Iterable[str] | None = None,
        code: Iterable[str | Path] = (),
        cpu: float = 1,
        memory: str = "2GB",
        replicas: int = 1,
        workers: int = 1,
        start: bool = True,
        live: bool = True,
        batch: bool | None = None,
        compile: bool = False,
        wait: bool = True,
        timeout: float = 120.0,
        deadline: float = 60.0,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> Service:
        """Make a model a service with its own address, as a new version of ``name``.

        With ``live`` the new version takes over once it is ready and the old one is drained and
        stopped; a version that does not get ready changes nothing. The very same model makes no
        new version.

        Parameters
        ----------
        model
            A fitted estimator, a function (also one defined in the notebook), anything with
            ``predict``, an ONNX graph, a PyTorch module, or a path: ``.joblib``, ``.pkl``, a file
            of a library's own, an MLflow model folder or URI, a bundle; see docs/engines.md.
        name
            1 to 63 of a-z, 0-9 and ``-``.
        example
            A few rows of input, such as ``X.head()``: they tell the types, and the notebook's
            own answers to them are checked wherever the model is served.
        runtime
            What runs the model, ``"python"``; found out when None.
        requirements
            Packages beyond those found, or a file of them.
        code
            Files and folders of modules beyond those found.
        cpu, memory, replicas, workers
            Size: cores and memory of each replica, their number, and processes in each.
        start
            Whether to leave it running; it is started once in any case, to prove that it can be.
        live
            Whether the stable address shall answer with it.
        batch
            Whether rows of different queries may be predicted in one call; found out when None.
            Sums then end in other bits, as they do in the notebook with the number of rows;
            False gives every query the bits of `model.predict` for its rows alone.
        compile
            Whether to serve a compiled form of the model, many times faster, if it is proven to
            give the same answers; otherwise the original serves and the reason is told.
        wait
            Return when it answers; otherwise at once.
        timeout
            Seconds it has to get ready.
        deadline
            Seconds a query may take.
        description, tags
            What the model says of itself.
        quiet
            Show no progress.

        Returns
        -------
        Service
            The new version's service.

        Raises
        ------
        PackError
            The model cannot be packed; names the part.
        DeployFailed
            It did not get ready; with reason and last log lines. What served before still does.
        InvalidRequest
            A name or size that cannot be.
        """
        from mlkraken_client import _deploy
        from mlkraken_client._progress import progress

        _deploy.check_runtime(runtime)
        wish = _deploy.Wish(
            cpu=cpu,
            memory=memory,
            replicas=replicas,
            workers=workers,
            start=start,
            live=live,
            wait=wait,
            timeout=timeout,
            deadline=deadline,
            description=description,
            tags=tags or {},
        )
        return _deploy.deploy(
            self.connection,
            model,
            name,
            wish,
            progress(f"deploying {name}", quiet=quiet),
            example=example,
            requirements=requirements,
            code=code,
            batch=batch,
            compile=compile,
        )

    def models(self, q: str = "", *, state: str = "", owner: str = "", tag: str = "") -> ModelList:
        """Return the models, by name.

        Parameters
        ----------
        q
            Part of the name or description.
        state, owner, tag
            Only models that match; a tag is ``key`` or ``key=value``.
        """
        query = {"q": q, "state": state, "owner": owner, "tag": tag, "limit": 1000}
        told: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.connection.call("GET", "/models", query={**query, "cursor": cursor})
            told += page["models"]
            cursor = page["next_cursor"]
            if not cursor:
                return ModelList(self.connection, told)

    def __getitem__(self, name: str) -> Model:
        """Return a model; raises `NotFound` (``model_not_found``)."""
        model = Model(self.connection, name)
        model.describe()
        return model

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except NotFound:
            return False
        return True

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models())

    def delete(self, name: str, *, wait: bool = True, timeout: float = 60.0) -> None:
        """Stop a model's services and remove it with all versions, logs and records.

        Raises
        ------
        NotFound
            ``model_not_found``.
        WaitTimeout
            ``delete_pending``: it goes on without us.
        """
        self.connection.call("DELETE", f"/models/{name}")
        patience = Patience(timeout)
        while wait and name in self:
            if patience.over:
                raise WaitTimeout(
                    "delete_pending",
                    f"{name!r} is still being deleted after {timeout:g} s.",
                    "It goes on; kraken.models() shows when it is gone.",
                )
            patience.pause()

    def promote(
        self, name: str, *, to: Kraken, version: int | None = None, timeout: float = 120.0
    ) -> Service:
        """Bring a version, the live one unless told, to another backend: same bytes, same digest.

        Parameters
        ----------
        name, version
            Name of the model, there as here; version here.
        to
            The other backend.
        timeout
            Seconds it has to get ready there.
        """
        from mlkraken_client import _promote

        return _promote.promote(self.connection, name, to.connection, version, timeout)

    def __repr__(self) -> str:
        target = self.connection.target
        return f"<Kraken {target.url or f'embedded in {target.home}'}>"
