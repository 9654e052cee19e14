"""Frames of bytes between this process and another, over a socket pair.

A frame is a list of buffers: their number and lengths as little-endian whole numbers of 8 bytes,
then their bytes. What is in them is the business of whoever talks: Python's workers send pickles
with their arrays beside, so that an array is not copied on its way.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["Buffer", "Channel", "ChannelClosed"]

Buffer: TypeAlias = "bytes | bytearray | memoryview"
_COUNT = struct.Struct("<Q")
_JOINED = 1 << 16
"""Shorter frames are sent as one piece."""


class ChannelClosed(Exception):
    """The other side has gone."""


class Channel:
    """One end of a socket pair.

    Parameters
    ----------
    line
        A connected stream socket, which belongs to the channel from now on.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def send(self, parts: Sequence[Buffer], deadline: float | None = None) -> None:
        """Send a frame.

        Parameters
        ----------
        parts
            The buffers.
        deadline
            Moment of `time.monotonic` until when it must be through; None waits for ever.

        Raises
        ------
        ChannelClosed
            The other side has gone.
        TimeoutError
            The deadline has passed; the channel cannot be used any more.
        """
        sizes = [memoryview(part).nbytes for part in parts]
        head = _COUNT.pack(len(parts)) + b"".join(map(_COUNT.pack, sizes))
        pieces = [head, *parts]
        if sum(sizes) <= _JOINED:
            pieces = [b"".join(pieces)]
        try:
            for piece in pieces:
                self._line.settimeout(_left(deadline))
                self._line.sendall(piece)
        except TimeoutError:
            raise
        except OSError as error:
            raise ChannelClosed from error

    def receive(self, deadline: float | None = None) -> list[bytearray]:
        """Return the next frame; parameters and errors as of `send`."""
        (count,) = _COUNT.unpack(self._exactly(_COUNT.size, deadline))
        sizes = struct.unpack(f"<{count}Q", self._exactly(_COUNT.size * count, deadline))
        return [self._exactly(size, deadline) for size in sizes]

    def close(self) -> None:
        """Let the other side know that nothing more will come."""
        self._line.close()

    def _exactly(self, size: int, deadline: float | None) -> bytearray:
        whole = bytearray(size)
        view, got = memoryview(whole), 0
        while got < size:
            self._line.settimeout(_left(deadline))
            try:
                count = self._line.recv_into(view[got:])
            except TimeoutError:
                raise
            except OSError as error:
                raise ChannelClosed from error
            if not count:
                raise ChannelClosed
            got += count
        return whole


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
