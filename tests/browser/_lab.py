"""A real JupyterLab with a real embedded backend, and a real browser that looks at it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
from playwright.sync_api import Error, Locator, Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
TOKEN = "browser-tests"
START_S = 60.0
SETTLE_S = 60.0


def wait_for(happened: Callable[[], Any], timeout_s: float = SETTLE_S, what: str = "") -> Any:
    """Return the first true value of ``happened``, asked again and again for a bounded time."""
    deadline, pause = time.monotonic() + timeout_s, 0.02
    while True:
        value = happened()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what or happened}")
        time.sleep(pause)
        pause = min(0.2, pause * 1.3)


class LabServer:
    """One JupyterLab process with folders of its own.

    Parameters
    ----------
    folder
        Everything it writes is below.
    settings
        User settings by plugin, such as ``{"@jupyterlab/apputils-extension:themes": {...}}``.
    """

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]] | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        news = {"fetchNews": "false", "checkForUpdates": False}
        self._write_settings({"@jupyterlab/apputils-extension:notification": news})
        self._write_settings(settings or {})
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "lab.log"
        self._process = self._start()

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the server extension answers below ``mlkraken/api/v1``."""
        request = urllib.request.Request(
            f"{self.url}/mlkraken/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def backend_pid(self) -> int:
        """Return the pid of the backend that the server has started."""
        return int(json.loads((self.home / "backend.json").read_bytes())["pid"])

    def processes(self) -> list[psutil.Process]:
        """Return every process that works for this server's home, models and kernels too."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(f"{self.folder}/" in word for word in process.cmdline()):
                    found.append(process)
        return found

    def stop(self) -> None:
        """End the server; the backend and the models end with it, or the test fails."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        try:
            wait_for(lambda: not self.processes(), 30, "all processes ended")
        finally:
            for process in self.processes():
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MLKRAKEN_")
        }
        environment |= {
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "MLKRAKEN_HOME": str(self.home),
            "MLKRAKEN_CONFIG": str(self.folder / "none.json"),
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
        command += [f"--port={self.port}", "--ServerApp.port_retries=0"]
        command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.notebooks}"]
        command += ["--allow-root", "--LabApp.expose_app_in_browser=True"]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_for(lambda: self._answers(process), START_S, f"JupyterLab is up, see {self.log}")
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.log.read_text("utf-8")
        with contextlib.suppress(urllib.error.URLError, OSError):
            return bool(urllib.request.urlopen(f"{self.url}/api", timeout=5).status == 200)
        return False

    def _write_settings(self, settings: dict[str, dict[str, Any]]) -> None:
        for plugin, chosen in settings.items():
            package, _, name = plugin.partition(":")
            file = self.folder / "settings" / package / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(chosen), "utf-8")


class LabPage:
    """JupyterLab in one browser page.

    Parameters
    ----------
    page
        An empty page.
    server
        Where JupyterLab runs.
    """

    def __init__(self, page: Page, server: LabServer) -> None:
        self.page = page
        self.server = server
        self.problems: list[str] = []
        page.on("pageerror", self._note)

    def _note(self, error: Error) -> None:
        # JupyterLab has errors of its own; the widget's code comes from a blob.
        told = error.stack or str(error)
        if "mlkraken" in told or "blob:" in told:
            self.problems.append(told)

    def open(self, path: str = "", *, reset: bool = True) -> None:
        """Open JupyterLab, at a notebook if one is named, and wait until it is restored."""
        where = f"tree/{path}" if path else ""
        query = f"?token={TOKEN}" + ("&reset" if reset else "")
        self.page.goto(f"{self.server.url}/lab/{where}{query}")
        self.ready()

    def ready(self) -> None:
        """Wait until JupyterLab is restored."""
        # Survives that JupyterLab leads a second window on to a workspace of its own.
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell && window.jupyterapp.restored.then(() => true)"
        )

    def run(self, script: str, argument: Any = None, timeout_s: float = SETTLE_S) -> Any:
        """Return what an asynchronous function in the page answers, within a bounded time."""
        late = f"new Promise((_, fail) => setTimeout(fail, {timeout_s * 1000}, 'too late'))"
        return self.page.evaluate(f"given => Promise.race([({script})(given), {late}])", argument)

    def command(self, command: str, **arguments: Any) -> None:
        """Execute a command of the application, to its end."""
        self.run(f"async ([command, args]) => {{ {_COMMAND} }}", [command, arguments])

    def begin(self, command: str) -> None:
        """Begin a command of the application that lasts."""
        self.page.evaluate("command => { window.jupyterapp.commands.execute(command) }", command)

    def show_panel(self) -> Locator:
        """Show the sidebar panel and return it."""
        self.command("mlkraken:open-panel")
        panel = self.page.locator("#mlkraken-panel")
        panel.wait_for(state="visible")
        return panel

    def open_tab(self) -> Locator:
        """Show the panel as a tab and return it."""
        self.command("mlkraken:open-tab")
        panel = self.page.locator("#mlkraken-tab .mlk-panel")
        panel.wait_for(state="visible")
        return panel

    def theme(self, name: str) -> None:
        """Switch the theme."""
        self.command("apputils:change-theme", theme=name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_function(
            """light => document.body.dataset.jpThemeLight === light
                && !document.getElementById('jupyterlab-splash')""",
            arg=light,
        )

    def new_notebook(self, name: str, cells: list[str]) -> Notebook:
        """Write a notebook, open it, and wait for its kernel."""
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(book, self.server.notebooks / name)
        self.command("docmanager:open", path=name, factory="Notebook")
        notebook = Notebook(self, name)
        notebook.ready()
        return notebook


class Notebook:
    """A notebook that is open in a page.

    Parameters
    ----------
    lab
        Its JupyterLab.
    name
        Its path.
    """

    def __init__(self, lab: LabPage, name: str) -> None:
        self.lab = lab
        self.name = name

    def ready(self) -> None:
        """Wait until its kernel answers."""
        self.lab.run(f"async name => {{ {_WIDGET} {_KERNEL} }}", self.name)

    def execute(self, code: str, timeout_s: float = SETTLE_S) -> str:
        """Run code in the notebook's kernel, not in a cell; return what it prints."""
        script = f"async ([name, code]) => {{ {_WIDGET} {_EXECUTE} }}"
        told = self.lab.run(script, [self.name, code], timeout_s)
        assert not told["error"], told["error"]
        return str(told["text"]).strip()

    def add_cell(self, code: str) -> None:
        """Add a cell at the end and select it."""
        self.lab.page.evaluate(f"async ([name, code]) => {{ {_WIDGET} {_ADD} }}", [self.name, code])

    def run_cell(self, index: int, timeout_s: float = SETTLE_S) -> str:
        """Run one cell and wait until it is done; return its output as text."""
        script = f"([name, index]) => {{ {_WIDGET} w.content.activeCellIndex = index; }}"
        self.lab.page.evaluate(script, [self.name, index])
        self.lab.command("notebook:run-cell")
        outputs = wait_for(lambda: self._outputs(index), timeout_s, f"cell {index} is done")
        errors = [item for item in outputs["items"] if item["output_type"] == "error"]
        assert not errors, re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(errors[0]["traceback"]))
        return "".join(_text(item) for item in outputs["items"]).strip()

    def output(self, index: int) -> Locator:
        """Return a cell's output area."""
        cells = self.lab.page.locator(".jp-Notebook:visible .jp-CodeCell")
        return cells.nth(index).locator(".jp-OutputArea").first

    def _outputs(self, index: int) -> Any:
        return self.lab.page.evaluate(
            f"([name, index]) => {{ {_WIDGET} {_OUTPUTS} }}", [self.name, index]
        )


# A command may answer with a widget, which cannot leave the page.
_COMMAND = "await window.jupyterapp.commands.execute(command, args);"
_WIDGET = """
    const w = [...window.jupyterapp.shell.widgets('main')].find(
      widget => widget.context && widget.context.path === name);
"""
# The idle mark is there before a kernel runs code; its info reply is not.
_KERNEL = """
    await w.context.ready;
    await w.sessionContext.ready;
    await w.sessionContext.session.kernel.info;
"""
_EXECUTE = """
    const future = w.sessionContext.session.kernel.requestExecute({code, store_history: false});
    const told = {text: '', error: ''};
    future.onIOPub = message => {
      if (message.header.msg_type === 'stream') told.text += message.content.text;
      if (message.header.msg_type === 'error') told.error = message.content.evalue;
    };
    await future.done;
    return told;
"""
_ADD = """
    const model = w.content.model.sharedModel;
    model.insertCell(model.cells.length, {cell_type: 'code', source: code});
    w.content.activeCellIndex = model.cells.length - 1;
"""
_OUTPUTS = """
    const cell = w.content.widgets[index];
    const {executionCount, sharedModel} = cell.model;
    const busy = cell.model.executionState === 'running' || cell.promptNode?.textContent === '[*]:';
    return executionCount && !busy ? {items: sharedModel.getOutputs()} : null;
"""


def _text(output: dict[str, Any]) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return text if isinstance(text, str) else "".join(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
