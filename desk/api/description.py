"""The OpenAPI description: what holds for every operation is added to it in one place."""

from typing import Any

from fastapi import FastAPI

_PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a new one for each new request, the same one when it is sent again within 24 "
    "hours: it is then not done again, and answered as before",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
_KNOWN = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "the ETag of the answer that one has; 304 if it is still the same",
    "schema": {"type": "string", "pattern": '^(W/)?"[!#-~]{1,100}"$'},
}
_PREFIX = "/api/v1/"


def install(app: FastAPI) -> None:
    """Let `app` describe itself so."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for response in operation["responses"].values():
                _as_problem(response)
            if not path.startswith(_PREFIX):
                continue
            if method == "get":
                _conditional(operation)
                continue
            if "requestBody" in operation:
                _bounded(operation)
            if path != f"{_PREFIX}session":
                operation.setdefault("parameters", []).append(_KEY)
    return schema


def _as_problem(response: dict[str, Any]) -> None:
    """FastAPI describes every model as application/json."""
    content = response.get("content", {})
    if content.get("application/json", {}).get("schema") == _PROBLEM:
        content["application/problem+json"] = content.pop("application/json")


def _bounded(operation: dict[str, Any]) -> None:
    content = {"application/problem+json": {"schema": _PROBLEM}}
    told = {"408": "the body did not arrive in time", "413": "the body is too long"}
    for status, what in told.items():
        operation["responses"].setdefault(status, {"description": what, "content": content})


def _conditional(operation: dict[str, Any]) -> None:
    if "application/json" not in operation["responses"].get("200", {}).get("content", {}):
        return
    operation.setdefault("parameters", []).append(_KNOWN)
    operation["responses"]["304"] = {"description": "the answer is the one that has this ETag"}
