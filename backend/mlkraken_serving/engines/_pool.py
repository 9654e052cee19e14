"""A model in several processes behind one front: calls run side by side, and none is for ever."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from mlkraken_serving._errors import DeadlineExceeded, ModelError, ServingError, WorkerLost
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.engines._channel import ChannelClosed
from mlkraken_serving.engines._child import Child, default_threads
from mlkraken_serving.engines._messages import Answer, Ask, Failure, Hello, pack, shortened, unpack

__all__ = ["Pool"]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
log = logging.getLogger("mlkraken.serving")


class Pool:
    """An `Engine` whose calls run in worker processes, each with the model in its own memory.

    A worker that ends during a call fails that call and is started again; one that does not
    answer in time is ended and started again. The service goes on while one of them lives.

    Parameters
    ----------
    command
        What runs a worker; see `Child`.
    signature
        The model's, which the workers know.
    workers
        How many.
    deadline_s
        Longest time one call may take, in seconds.
    """

    name = ""
    calls: tuple[str, ...] = ()
    classes: tuple[Any, ...] = ()
    parameters: tuple[str, ...] = ()

    def __init__(
        self, command: Sequence[str], signature: Signature, workers: int, deadline_s: float
    ) -> None:
        self.lanes = workers
        self.receipt: dict[str, Any] = {}
        self._command = command
        self._signature = signature
        self._deadline_s = deadline_s
        self._environment = {**default_threads(workers), **os.environ}
        self._free: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._gone: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._born: queue.SimpleQueue[Child | WorkerLost] = queue.SimpleQueue()

    def load(self) -> None:
        """Start the workers and wait until all have loaded the model; see `Engine.load`."""
        # Workers end with the thread that started them, so one thread starts them all.
        threading.Thread(target=self._keep, name="workers", daemon=True).start()
        born = [self._born.get() for _ in range(self.lanes)]
        children = [child for child in born if isinstance(child, Child)]
        try:
            for failure in born:
                if isinstance(failure, WorkerLost):
                    raise failure
            hellos = [self._greeted(child) for child in children]
        except BaseException:
            for child in children:
                child.end()
            raise
        for child in children:
            self._free.put(child)
        hello = hellos[0]
        self.name, self.calls, self.classes = hello.name, hello.calls, hello.classes
        self.parameters = hello.parameters
        self.receipt = hello.receipt

    def predict(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Any:
        """Answer for all rows of ``data``; see `Engine.predict`.

        Raises
        ------
        WorkerLost
            ``worker_lost``: the process ended before it had answered.
        DeadlineExceeded
            ``deadline_exceeded``: it did not answer in time, and was ended.
        """
        deadline = time.monotonic() + self._deadline_s
        frame = pack(Ask(shortened(data, self._signature), calls))
        child = self._taken()
        try:
            child.channel.send(frame, deadline)
            parts = child.channel.receive(deadline)
        except ChannelClosed:
            ending = child.wait()
            self._lost(child, ending)
            raise WorkerLost(
                "worker_lost",
                f"The model's process ended before it had answered: {ending}.",
                "It is being started again: ask again in a moment. service.logs() may say more.",
            ) from None
        except TimeoutError:
            self._lost(child, f"no answer within {self._deadline_s:g} s, {child.end()}")
            raise DeadlineExceeded(
                "deadline_exceeded",
                f"The model did not answer within {self._deadline_s:g} s.",
                "Send fewer rows at once, or deploy with a longer deadline=.",
            ) from None
        self._free.put(child)
        return _value(parts)

    def _taken(self) -> Child:
        try:
            return self._free.get(timeout=self._deadline_s)
        except queue.Empty:
            raise WorkerLost(
                "worker_lost",
                "None of the model's processes is running; they are being started again.",
                "Ask again in a moment. service.logs() may say why they ended.",
            ) from None

    def _lost(self, child: Child, how: str) -> None:
        log.error("worker %d ended: %s; starting another", child.pid, how)
        self._gone.put(child)

    # -- in the thread that keeps the workers ---------------------------------------------------

    def _keep(self) -> None:
        for _ in range(self.lanes):
            self._born.put(self._started())
        pause = _FIRST_PAUSE_S
        while True:
            self._gone.get()
            while (child := self._started_again()) is None:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            pause = _FIRST_PAUSE_S
            self._free.put(child)

    def _started(self) -> Child | WorkerLost:
        try:
            return Child(self._command, self._environment)
        except OSError as error:
            return WorkerLost(
                "worker_lost",
                f"A process for the model could not be started: {error.strerror}.",
                "The machine has too little memory or too many processes; ask for fewer workers.",
            )

    def _started_again(self) -> Child | None:
        child = self._started()
        try:
            if isinstance(child, WorkerLost):
                raise child
            self._greeted(child)
        except ServingError as error:
            log.error("a worker could not be started again: %s", error.message)
            if isinstance(child, Child):
                child.end()
            return None
        return child

    def _greeted(self, child: Child) -> Hello:
        """Return what a worker says when it has loaded the model; raises what it could not."""
        try:
            message = unpack(child.channel.receive())
        except ChannelClosed:
            raise WorkerLost(
                "worker_lost",
                f"The model's process ended while it loaded the model: {child.wait()}.",
                "service.logs() may say why; often it needs more memory.",
            ) from None
        if isinstance(message, Failure):
            raise message.error()
        assert isinstance(message, Hello)
        return message


def _value(parts: Sequence[bytearray]) -> Any:
    try:
        message = unpack(parts)
    except Exception as error:  # the answer's own class may raise anything, or not be here
        raise ModelError(
            "result_unserialisable",
            f"The model's answer cannot leave its process: {type(error).__name__}: {error}.",
            "Let it return numbers, strings, lists, dictionaries, numpy arrays or pandas objects.",
        ) from error
    if isinstance(message, Failure):
        raise message.error()
    assert isinstance(message, Answer)
    return message.value
