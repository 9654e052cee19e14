"""From a path to what answers there, and to the dialect in which failures are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from mlkraken_serving._errors import NoRoute
from mlkraken_serving.protocols._port import Failed, Page, QueryProtocol, Served

__all__ = ["Found", "Router"]

_BRACES = re.compile(r"\{(\w+)\}")
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Found:
    """What answers at a path: a page, or a protocol that asks the model."""

    path: str
    arguments: bytes
    failed: Failed
    protocol: QueryProtocol | None = None
    page: Page | None = None
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    failed: Failed
    protocol: QueryProtocol | None = None
    page: Page | None = None


class Router:
    """Finds what answers.

    Parameters
    ----------
    served
        What there is. Of two paths that match the one with fewer braces answers; of two dialects
        the one of the longer beginning.
    """

    def __init__(self, served: Served) -> None:
        rules = [
            (each.path, _Rule(_compiled(each.path), ("POST",), each.protocol.failed, each.protocol))
            for each in served.endpoints
        ]
        rules += [
            (each.path, _Rule(_compiled(each.path), _with_head(each), each.failed, page=each))
            for each in served.pages
        ]
        self._rules = [rule for _, rule in sorted(rules, key=lambda item: item[0].count("{"))]
        self._dialects = sorted(served.dialects.items(), key=lambda item: -len(item[0]))
        self._queries = sorted({each.path for each in served.endpoints if "{" not in each.path})
        self._remembered: dict[tuple[bytes, bytes], Found] = {}

    def find(self, method: bytes, target: bytes) -> Found:
        """Return what answers to ``method`` at ``target``, as it stands in the request line.

        Raises
        ------
        NoRoute
            ``not_found`` or ``method_not_allowed``.
        """
        known = self._remembered.get((method, target))
        if known is not None:
            return known
        found = self._found(method.decode("latin-1"), target)
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[method, target] = found
        return found

    def failed(self, target: bytes) -> Failed:
        """Return who writes failures at ``target``."""
        path, _ = _split(target)
        for rule in self._rules:
            if rule.pattern.fullmatch(path):
                return rule.failed
        return next(failed for prefix, failed in self._dialects if path.startswith(prefix))

    def _found(self, method: str, target: bytes) -> Found:
        path, arguments = _split(target)
        allowed: set[str] = set()
        for rule in self._rules:
            match = rule.pattern.fullmatch(path)
            if match is None:
                continue
            if method in rule.methods:
                parts = {name: unquote(value) for name, value in match.groupdict().items()}
                return Found(path, arguments, rule.failed, rule.protocol, rule.page, parts)
            allowed.update(rule.methods)
        if allowed:
            raise NoRoute(
                "method_not_allowed",
                f"{method} {path} is not served.",
                f"Allowed here: {', '.join(sorted(allowed))}.",
                tuple(sorted(allowed)),
            )
        raise NoRoute(
            "not_found",
            f"There is nothing at {path}.",
            f"Queries go to POST {', '.join(self._queries)}; /docs lists all that is served.",
        )


def _compiled(path: str) -> re.Pattern[str]:
    literal = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    return re.compile(_BRACES.sub(r"(?P<\1>[^/]+)", literal))


def _with_head(page: Page) -> tuple[str, ...]:
    return (*page.methods, "HEAD") if "GET" in page.methods else page.methods


def _split(target: bytes) -> tuple[str, bytes]:
    """Return path and query of a request's target, which proxies send with scheme and host."""
    text = target.partition(b"#")[0]
    if not text.startswith(b"/"):
        text = b"/" + text.partition(b"://")[2].partition(b"/")[2]
    path, _, arguments = text.partition(b"?")
    return path.decode("latin-1"), arguments
