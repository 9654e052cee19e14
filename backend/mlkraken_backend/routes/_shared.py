"""What several groups of handlers need: references, entity tags, times, models as documents."""

from __future__ import annotations

from datetime import datetime

from mlkraken_backend._errors import Invalid, NotFound
from mlkraken_backend.routes._route import Call
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.values import Model
from mlkraken_backend.wire import _out as give

__all__ = ["etag", "if_match", "model_document", "version_number", "when"]


_MOST_DIGITS = 9


def model_document(outside: Outside, model: Model) -> give.ModelOut:
    """Return a model with what its shown service uses now."""
    return give.model_out(model, _used(outside, model))


def _used(outside: Outside, model: Model) -> tuple[float, int]:
    number = model.shown
    if number is None or number not in model.services or not model.services[number].ready:
        return 0.0, 0
    service = outside.store.service(model.name, number)
    uses = [outside.runtime.usage(replica.id) for replica in service.replicas] if service else []
    return sum(cores for cores, _ in uses), sum(memory for _, memory in uses)


def version_number(outside: Outside, call: Call) -> int:
    """Return the version the path names, by number or by alias.

    Raises
    ------
    NotFound
        ``version_not_found``.
    """
    text = call.path["v"]
    if text.isdecimal() and len(text) <= _MOST_DIGITS:
        return int(text)
    model = outside.store.model(call.path["m"])
    alias = model.aliases.get(text) if model else None
    if alias is None or alias.version is None:
        raise NotFound(
            "version_not_found",
            f"{call.path['m']!r} has no version or alias {text!r}.",
            "Name a version by its number, or 'live'.",
        )
    return alias.version


def etag(model: Model) -> dict[str, str]:
    """Return the header that names a model's revision."""
    return {"ETag": f'"{model.revision}"'}


def if_match(call: Call) -> int | None:
    """Return the revision the caller expects, None when any will do.

    Raises
    ------
    Invalid
        ``revision_invalid``.
    """
    text = call.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if text in ("", "*"):
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise Invalid(
            "revision_invalid", f"If-Match {text!r} is not a revision.", "Send a model's ETag."
        )
    return int(text)


def when(call: Call, name: str, default: float) -> float:
    """Return a time parameter, given as seconds since 1970 or as RFC 3339.

    Raises
    ------
    Invalid
        ``parameter_invalid``.
    """
    text = call.query.get(name, "")
    if "T" not in text:
        return call.number(name, default)
    try:
        # A bare + in a query means a space: 12:00:00+01:00 comes as 12:00:00 01:00.
        told = text.replace("Z", "+00:00").replace(" ", "+")
        return datetime.fromisoformat(told).timestamp()
    except ValueError:
        raise Invalid(
            "parameter_invalid",
            f"{name}={text!r} is not a time.",
            "Send seconds since 1970 or 2026-01-31T12:00:00Z.",
        ) from None
