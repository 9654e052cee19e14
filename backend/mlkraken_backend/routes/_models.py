"""Models and their aliases."""

from __future__ import annotations

from dataclasses import dataclass

from mlkraken_backend._errors import Invalid
from mlkraken_backend.ports import ModelQuery
from mlkraken_backend.routes._route import Call, Param, Reply, Route
from mlkraken_backend.routes._shared import etag, if_match, model_document
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.aliases import Aliases
from mlkraken_backend.usecases.models import Models
from mlkraken_backend.values import LIVE
from mlkraken_backend.wire import _in as take
from mlkraken_backend.wire import _out as give

__all__ = ["ModelRoutes"]

_PAGE = (
    Param("limit", "Most models on the page, 1 to 1000.", "integer"),
    Param("cursor", "next_cursor of the page before."),
    Param("q", "Part of the name or description."),
    Param("state", "stopped, pending, running, stopping or failed."),
    Param("owner", "Owner's name."),
    Param("tag", "key or key=value."),
)
_REVISION = (Param("If-Match", "The model's ETag; 412 when it has changed.", place="header"),)


@dataclass(frozen=True)
class ModelRoutes:
    """Handlers about models, one method a route."""

    outside: Outside

    def list_models(self, call: Call) -> Reply:
        page = Models(self.outside).page(
            ModelQuery(
                limit=max(1, call.whole("limit", 100, 1000)),
                after=call.query.get("cursor", ""),
                text=call.query.get("q", ""),
                state=call.query.get("state", ""),
                owner=call.query.get("owner", ""),
                tag=call.query.get("tag", ""),
            )
        )
        limit = call.caller.model
        shown = [model for model in page.models if limit in ("", model.name)]
        rows = [model_document(self.outside, model) for model in shown]
        return Reply(give.ModelsOut(rows, page.models[-1].name if page.more else ""))

    def create_model(self, call: Call) -> Reply:
        body: take.ModelIn = call.body
        call.caller.need("deploy", body.name)
        model = Models(self.outside).create(
            body.name, call.caller.name, body.description, body.tags
        )
        return Reply(model_document(self.outside, model), 201)

    def get_model(self, call: Call) -> Reply:
        model = Models(self.outside).get(call.path["m"])
        return Reply(model_document(self.outside, model), headers=etag(model))

    def change_model(self, call: Call) -> Reply:
        body: take.ModelChangeIn = call.body
        model = Models(self.outside).change(call.path["m"], body.description, body.tags)
        return Reply(model_document(self.outside, model), headers=etag(model))

    def delete_model(self, call: Call) -> Reply:
        Models(self.outside).delete(call.path["m"])
        return Reply({"deleting": call.path["m"]}, 202)

    def put_alias(self, call: Call) -> Reply:
        body: take.AliasIn = call.body
        aliases, name = Aliases(self.outside), call.path["m"]
        if body.version == "previous":
            if call.path["a"] != LIVE:
                raise Invalid(
                    "alias_without_history", "Only live can go back.", "Name the version."
                )
            model = aliases.rollback(name, expected_revision=if_match(call))
        else:
            model = aliases.put(
                name, call.path["a"], int(body.version), expected_revision=if_match(call)
            )
        return Reply(model_document(self.outside, model), headers=etag(model))

    def delete_alias(self, call: Call) -> Reply:
        Aliases(self.outside).delete(
            call.path["m"], call.path["a"], expected_revision=if_match(call)
        )
        return Reply({"deleted": call.path["a"]})

    def routes(self) -> list[Route]:
        one, alias = "/models/{m}", "/models/{m}/aliases/{a}"
        moves = "Move an alias; live moves once the version answers. If-Match takes an ETag."
        return [
            Route(
                "GET",
                "/models",
                "query",
                "List models.",
                self.list_models,
                gives=give.ModelsOut,
                params=_PAGE,
            ),
            Route(
                "POST",
                "/models",
                "deploy",
                "Make a model without versions.",
                self.create_model,
                takes=take.ModelIn,
                gives=give.ModelOut,
            ),
            Route("GET", one, "query", "One model.", self.get_model, gives=give.ModelOut),
            Route(
                "PATCH",
                one,
                "deploy",
                "Change description or tags.",
                self.change_model,
                takes=take.ModelChangeIn,
                gives=give.ModelOut,
            ),
            Route(
                "DELETE",
                one,
                "deploy",
                "Stop and remove a model and all it has.",
                self.delete_model,
                gives=dict,
            ),
            Route(
                "PUT",
                alias,
                "deploy",
                moves,
                self.put_alias,
                takes=take.AliasIn,
                gives=give.ModelOut,
                params=_REVISION,
            ),
            Route(
                "DELETE",
                alias,
                "deploy",
                "Remove an alias.",
                self.delete_alias,
                gives=dict,
                params=_REVISION,
            ),
        ]
