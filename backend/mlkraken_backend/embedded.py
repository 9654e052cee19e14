"""The embedded backend: one process, one folder, no other service.

This main is the only place that names SQLite, files and processes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

from mlkraken_backend._daemon import end_with, log_to, report
from mlkraken_backend._errors import BackendError, StorageCorrupt
from mlkraken_backend._home import USED, Home
from mlkraken_backend._server import HOST, Server, listen
from mlkraken_backend.adapters._files import FileArtifacts, mapped
from mlkraken_backend.adapters._processes import ProcessRuntime
from mlkraken_backend.adapters._record_files import RecordFiles
from mlkraken_backend.adapters._sqlite import SqliteStore
from mlkraken_backend.adapters._system import RandomIds, SystemClock
from mlkraken_backend.auth import Authenticator, Signer
from mlkraken_backend.lifecycle import Policy
from mlkraken_backend.routes import Hub, build_app
from mlkraken_backend.routes._backend import About, SelfRoutes
from mlkraken_backend.settings import Settings, os_user
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.reconcile import Reconciler
from mlkraken_backend.usecases.tokens import Tokens
from mlkraken_backend.wire._out import moment

__all__ = ["run"]

_SWEEP_S = 600.0
log = logging.getLogger("mlkraken.backend")


def run(settings: Settings) -> int:
    """Run a backend until SIGTERM or SIGINT; return the exit status."""
    try:
        home = Home(settings.home)
        if settings.ready_fd is not None:
            with mapped(settings.home):
                log_to(settings.home / "backend.log")
        backend = _Embedded(home, settings)
    except BackendError as error:
        report(settings.ready_fd, {"error": _told(error)})
        log.error("%s %s", error.message, error.hint)
        return 1
    backend.serve()
    return 0


class _Embedded:
    """Everything one embedded backend is made of."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._hub = Hub()
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._listener = listen(settings.port, home.last_port())
        self._store = _open_store(home, settings.new_database, self._hub.notify)
        self._issuer = f"mlkraken-{home.secret(USED).decode()[:12]}"
        self._signer = Signer(home.signing_key(), self._issuer)
        self._token = home.secret("token").decode()
        self._runtime = self._make_runtime()
        self._outside = Outside(
            store=self._store,
            artifacts=FileArtifacts(home.folder / "artifacts"),
            runtime=self._runtime,
            querylog=RecordFiles(home.folder / "times"),
            clock=SystemClock(),
            ids=RandomIds(),
            policy=Policy(),
            wake=self._woken.set,
        )
        self._reconciler = Reconciler(self._outside)
        self._revoked: frozenset[str] = frozenset(Tokens(self._outside).revoked())
        self._write_access()

    def serve(self) -> None:
        """Answer until told to stop, then stop the services and leave the home."""
        # Uvicorn takes the signals over while it runs, and raises them again when it has ended;
        # what follows must still run. One that comes before it runs must not get lost.
        told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.set())
        if self._settings.until is not None:
            end_with(self._settings.until)
        loop = threading.Thread(target=self._reconcile, name="reconciler", daemon=True)
        loop.start()
        try:
            server = Server(self._app(), self._announce, self._hub.close, told)
            server.run(sockets=[self._listener])
        finally:
            self._stopping.set()
            self._woken.set()
            loop.join(15)
            self._runtime.close(stop_replicas=True)
            self._store.close()
            self._home.withdraw()

    # -- making -------------------------------------------------------------------------------

    def _make_runtime(self) -> ProcessRuntime:
        folder = self._home.folder
        return ProcessRuntime(
            run=folder / "run",
            logs=folder / "logs",
            access=folder / "access.json",
            querylog=RecordFiles(folder / "times"),
            changed=self._woken.set,
            until=self._settings.until,
        )

    def _app(self) -> Any:
        about = About(
            version=metadata.version("mlkraken"),
            kind="embedded",
            home=str(self._home.folder),
            owner=os_user(os.environ),
            pid=os.getpid(),
            started_at=moment(time.time()),
        )
        authenticator = Authenticator(self._signer, self._token, about.owner, lambda: self._revoked)
        self_routes = SelfRoutes(self._outside, self._signer, about, self._tokens_changed)
        return build_app(self._outside, authenticator, self_routes, self._signer, self._hub)

    def _tokens_changed(self) -> None:
        self._revoked = frozenset(Tokens(self._outside).revoked())
        self._write_access()
        self._hub.notify()  # streams of a revoked token end

    def _write_access(self) -> None:
        """Tell the replicas what they need to check tokens; nothing of it is secret."""
        self._home.write(
            "access.json",
            {
                "issuer": self._issuer,
                "public_key": self._signer.public_key,
                "token_sha256": hashlib.sha256(self._token.encode()).hexdigest(),
                "revoked": sorted(self._revoked),
            },
        )

    def _announce(self, port: int) -> None:
        document = {
            "url": f"http://{HOST}:{port}",
            "port": port,
            "pid": os.getpid(),
            "version": metadata.version("mlkraken"),
            "issuer": self._issuer,
        }
        self._home.announce(document)
        report(self._settings.ready_fd, document)
        log.info("backend %s answers at %s", document["version"], document["url"])

    # -- the reconciler's thread --------------------------------------------------------------

    def _reconcile(self) -> None:
        swept = 0.0
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                due = self._reconciler.round()
                if time.monotonic() - swept > _SWEEP_S:
                    self._reconciler.sweep()
                    swept = time.monotonic()
            except BackendError as error:
                log.error("%s %s", error.message, error.hint, exc_info=error)
                due = 1.0
            except Exception:
                # A round that failed in an unknown way must not be the last one.
                log.exception("a round of the reconciler failed")
                due = 1.0
            self._woken.wait(due)


def _open_store(home: Home, new_database: bool, told: Callable[[], None]) -> SqliteStore:
    if not new_database:
        home.check_database_kept()
    try:
        store = SqliteStore(home.database, told)
        store.check()
    except StorageCorrupt as error:
        raise home.set_aside_database(error) from error
    return store


def _told(error: BackendError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}
