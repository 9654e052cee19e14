"""What a person writes in an hour: a web framework around ``model.predict``."""

from __future__ import annotations

from serving.peers._peer import Program

__all__ = ["FastApi", "Flask"]


class FastApi(Program):
    """FastAPI on uvicorn with uvloop and httptools; its route predicts on the loop."""

    name = "fastapi"

    def argv(self, port: int) -> list[str]:
        return [
            *(str(self.bin / "uvicorn"), "fastapi_app:app", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "1", "--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "warning"),
        ]


class Flask(Program):
    """Flask on gunicorn with one worker of many threads."""

    name = "flask"

    def argv(self, port: int) -> list[str]:
        return [
            *(str(self.bin / "gunicorn"), "flask_app:app", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "1", "--worker-class", "gthread", "--threads", "8"),
            *("--keep-alive", "60", "--log-level", "warning"),
        ]
