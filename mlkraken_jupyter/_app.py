"""Settings and routes of the extension."""

from __future__ import annotations

import os

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Unicode

from mlkraken_jupyter._backend import Backend
from mlkraken_jupyter._handlers import ApiHandler, StatusHandler

__all__ = ["MLKrakenExtension"]


class MLKrakenExtension(ExtensionApp):
    """Serves ``mlkraken/...`` below the server's base URL.

    Set its traits in ``jupyter_server_config.py``::

        c.MLKrakenExtension.home = "/data/mlkraken"
    """

    name = "mlkraken_jupyter"
    extension_url = "/mlkraken"
    load_other_extensions = True

    home = Unicode(
        "", help="Home of the embedded backend; MLKRAKEN_HOME or the platform's folder if empty."
    ).tag(config=True)
    url = Unicode("", help="URL of a team backend instead of the embedded one.").tag(config=True)
    token_file = Unicode("", help="File with the token for the team backend.").tag(config=True)
    stay = Bool(
        False,
        help="Let the embedded backend and its services go on when this server ends.",
    ).tag(config=True)

    def initialize_settings(self) -> None:
        """Pass the choice of backend on to kernels and terminals, which inherit it."""
        chosen = {
            "MLKRAKEN_HOME": self.home,
            "MLKRAKEN_URL": self.url,
            "MLKRAKEN_TOKEN_FILE": self.token_file,
            "MLKRAKEN_UNTIL_PID": "" if self.stay else str(os.getpid()),
        }
        os.environ.update({name: value for name, value in chosen.items() if value})
        self.settings["mlkraken_backend"] = Backend()

    def initialize_handlers(self) -> None:
        self.handlers.extend(
            [
                (r"/mlkraken/status", StatusHandler),
                (r"/mlkraken/(api/v1/.*|m/.*)", ApiHandler),
            ]
        )

    async def stop_extension(self) -> None:
        """Close connections. The backend ends by itself when this process is gone."""
        await self.settings["mlkraken_backend"].close()
