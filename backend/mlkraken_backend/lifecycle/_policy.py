"""How patient the control plane is."""

from __future__ import annotations

import msgspec

__all__ = ["Policy"]


class Policy(msgspec.Struct, frozen=True):
    """Times in seconds, and how often a service may fall before it is given up.

    Parameters
    ----------
    stop_grace_s
        How long a replica gets to finish its queries before it is killed.
    most_failures
        Replicas that may end by themselves within one stretch before the service has failed.
    quiet_s
        A replica that lived this long ends the stretch.
    first_backoff_s, most_backoff_s
        Pause before the second start of a stretch; doubled each time up to the other.
    """

    stop_grace_s: float = 10.0
    most_failures: int = 5
    quiet_s: float = 60.0
    first_backoff_s: float = 0.5
    most_backoff_s: float = 30.0

    def backoff_s(self, failures: int) -> float:
        """Pause before the next start after ``failures`` in one stretch; none after the first."""
        if failures <= 1:
            return 0.0
        return float(min(self.most_backoff_s, self.first_backoff_s * 2.0 ** (failures - 2)))
