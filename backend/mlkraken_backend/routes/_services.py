"""Services: size and state, endpoints, logs, events, response times."""

from __future__ import annotations

from dataclasses import dataclass

from mlkraken_backend.auth import Signer
from mlkraken_backend.ports import QueryPoint
from mlkraken_backend.routes._route import Call, Param, Reply, Route
from mlkraken_backend.routes._shared import version_number, when
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.percentiles import buckets
from mlkraken_backend.usecases.services import Services
from mlkraken_backend.wire import _in as take
from mlkraken_backend.wire import _out as give

__all__ = ["ServiceRoutes"]

TOKEN_TTL_S = 900
ENDPOINTS_TTL_S = 300
_MOST_POINTS = 1_000_000
_FINEST_S, _COARSEST_S = 0.001, 366 * 86400.0
_TIMES = (
    Param("since", "Seconds since 1970, or RFC 3339."),
    Param("until", "Seconds since 1970, or RFC 3339."),
    Param("resolution", "Seconds; gives percentiles per bucket instead of points.", "number"),
    Param("limit", "Newest points to look at.", "integer"),
)
_LOGS = (
    Param("cursor", "Cursor of the page before; 'tail' for the last lines."),
    Param("limit", "Most lines.", "integer"),
)


@dataclass(frozen=True)
class ServiceRoutes:
    """Handlers about services, one method a route."""

    outside: Outside
    signer: Signer

    def get_service(self, call: Call) -> Reply:
        return Reply(
            give.service_out(
                Services(self.outside).get(call.path["m"], version_number(self.outside, call))
            )
        )

    def put_service(self, call: Call) -> Reply:
        body: take.ServiceIn = call.body
        services, number = Services(self.outside), version_number(self.outside, call)
        before = services.get(call.path["m"], number).size
        service = services.put(
            call.path["m"],
            number,
            desired=body.desired,
            size=take.sized(before, body.cpu, body.memory, body.replicas, body.workers),
            restart=body.restart,
            start_timeout_s=body.start_timeout,
            deadline_s=body.deadline,
        )
        return Reply(give.service_out(service))

    def endpoints(self, call: Call) -> Reply:
        service = Services(self.outside).get(call.path["m"], version_number(self.outside, call))
        now, caller = self.outside.clock.now(), call.caller
        until = min(now + TOKEN_TTL_S, caller.until)
        token = self.signer.sign(
            caller.name,
            ["query"],
            now=now,
            until=until,
            jti=caller.jti or self.outside.ids.new("q"),
            model=service.model,
        )
        return Reply(
            give.EndpointsOut(
                endpoints=give.service_out(service).endpoints,
                ttl=ENDPOINTS_TTL_S,
                token=token,
                token_expires_at=give.moment(until),
            )
        )

    def logs(self, call: Call) -> Reply:
        page = Services(self.outside).logs(
            call.path["m"],
            version_number(self.outside, call),
            call.query.get("cursor", ""),
            call.whole("limit", 1000, 10_000),
        )
        return Reply(give.LogsOut.of(page))

    def service_events(self, call: Call) -> Reply:
        events = Services(self.outside).events(
            call.path["m"], version_number(self.outside, call), call.whole("limit", 100, 1000)
        )
        return Reply(give.EventsOut([give.event_out(event) for event in events]))

    def version_times(self, call: Call) -> Reply:
        return self._times(call, version_number(self.outside, call))

    def model_times(self, call: Call) -> Reply:
        return self._times(call, None)

    def _times(self, call: Call, number: int | None) -> Reply:
        points = Services(self.outside).response_times(
            call.path["m"],
            number,
            when(call, "since", 0.0),
            when(call, "until", float("inf")),
            call.whole("limit", 100_000, _MOST_POINTS),
        )
        resolution = min(call.number("resolution", 0.0), _COARSEST_S)
        columns = list(QueryPoint.__struct_fields__)
        if resolution > 0:
            fine = max(resolution, _FINEST_S)
            return Reply(give.TimesOut(columns, [], buckets(points, fine)))
        return Reply(give.TimesOut(columns, points, []))

    def routes(self) -> list[Route]:
        one = "/models/{m}/versions/{v}/service"
        newest = Param("limit", "Newest events.", "integer")
        return [
            Route(
                "GET", one, "query", "How it is served.", self.get_service, gives=give.ServiceOut
            ),
            Route(
                "PUT",
                one,
                "deploy",
                "Say how it shall be served; repeatable.",
                self.put_service,
                takes=take.ServiceIn,
                gives=give.ServiceOut,
            ),
            Route(
                "GET",
                f"{one}/endpoints",
                "query",
                "Addresses and a short-lived query token.",
                self.endpoints,
                gives=give.EndpointsOut,
            ),
            Route(
                "GET",
                f"{one}/logs",
                "query",
                "Log lines after a cursor.",
                self.logs,
                gives=give.LogsOut,
                params=_LOGS,
            ),
            Route(
                "GET",
                f"{one}/events",
                "query",
                "What happened, with reasons.",
                self.service_events,
                gives=give.EventsOut,
                params=(newest,),
            ),
            Route(
                "GET",
                f"{one}/response-times",
                "query",
                "Response times of a version.",
                self.version_times,
                gives=give.TimesOut,
                params=_TIMES,
            ),
            Route(
                "GET",
                "/models/{m}/response-times",
                "query",
                "Response times of all versions.",
                self.model_times,
                gives=give.TimesOut,
                params=_TIMES,
            ),
        ]
