"""Versions: announce, upload, commit, look at, remove."""

from __future__ import annotations

from dataclasses import dataclass

from mlkraken_backend.routes._route import Call, Reply, Route
from mlkraken_backend.routes._shared import version_number
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.uploads import Uploads, Wanted
from mlkraken_backend.usecases.versions import Versions
from mlkraken_backend.values import Size
from mlkraken_backend.wire import _in as take
from mlkraken_backend.wire import _out as give

__all__ = ["VersionRoutes"]


@dataclass(frozen=True)
class VersionRoutes:
    """Handlers about versions, one method a route."""

    outside: Outside

    def begin_version(self, call: Call) -> Reply:
        body: take.UploadIn = call.body
        begun = Uploads(self.outside).begin(
            call.path["m"], body.manifest, call.caller.name, body.description, body.tags
        )
        there = (
            give.version_out(begun.version, self.outside.store.model(call.path["m"]))
            if begun.version
            else None
        )
        document = give.UploadOut(begun.upload, begun.slots, begun.digest, there is not None, there)
        return Reply(document, 200 if there else 201)

    def commit_version(self, call: Call) -> Reply:
        body: take.CommitIn = call.body
        wanted = Wanted(
            size=take.sized(Size(), body.cpu, body.memory, body.replicas, body.workers),
            start=body.start,
            live=body.live,
            start_timeout_s=body.start_timeout,
            deadline_s=body.deadline,
        )
        done = Uploads(self.outside).commit(call.path["m"], call.path["v"], wanted)
        version = give.version_out(done.version, self.outside.store.model(call.path["m"]))
        return Reply(give.CommittedOut(version, done.existed), 200 if done.existed else 201)

    def list_versions(self, call: Call) -> Reply:
        model = self.outside.store.model(call.path["m"])
        versions = Versions(self.outside).every(call.path["m"])
        return Reply(give.VersionsOut([give.version_out(version, model) for version in versions]))

    def get_version(self, call: Call) -> Reply:
        version = Versions(self.outside).get(call.path["m"], version_number(self.outside, call))
        return Reply(give.version_out(version, self.outside.store.model(call.path["m"])))

    def get_manifest(self, call: Call) -> Reply:
        number = version_number(self.outside, call)
        return Reply(Versions(self.outside).get(call.path["m"], number).manifest)

    def delete_version(self, call: Call) -> Reply:
        if call.path["v"].startswith("u-"):
            Uploads(self.outside).abandon(call.path["m"], call.path["v"])
        else:
            Versions(self.outside).delete(call.path["m"], version_number(self.outside, call))
        return Reply({"deleting": f"{call.path['m']}@{call.path['v']}"}, 202)

    def routes(self) -> list[Route]:
        every, one = "/models/{m}/versions", "/models/{m}/versions/{v}"
        return [
            Route(
                "POST",
                every,
                "deploy",
                "Announce a bundle; get upload slots.",
                self.begin_version,
                takes=take.UploadIn,
                gives=give.UploadOut,
            ),
            Route(
                "GET",
                every,
                "query",
                "Versions of a model.",
                self.list_versions,
                gives=give.VersionsOut,
            ),
            Route("GET", one, "query", "One version.", self.get_version, gives=give.VersionOut),
            Route(
                "GET",
                f"{one}/manifest",
                "deploy",
                "The bundle's kraken.json, as it was sent.",
                self.get_manifest,
                gives=dict,
            ),
            Route(
                "DELETE",
                one,
                "deploy",
                "Remove a version, or drop an upload.",
                self.delete_version,
                gives=dict,
            ),
            Route(
                "POST",
                f"{one}/commit",
                "deploy",
                "Check an upload ({v} is its id) and make it a version.",
                self.commit_version,
                takes=take.CommitIn,
                gives=give.CommittedOut,
            ),
        ]
