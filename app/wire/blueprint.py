"""One decorator a call: address, guard, request and answer schemas, and the codes it can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import flask_smorest
from flask import Response, g, request
from flask_smorest.utils import load_info_from_docstring
from marshmallow import Schema, fields

from app.errors import CODES
from app.errors.problems import MEDIA_TYPE
from app.wire.heads import require_sound_query
from app.wire.parser import Parser, nothing_of, read_bytes, read_json

View = Callable[..., Response]

_ALWAYS = (
    "NOT_ACCEPTABLE",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
    "TRANSACTION_TIMEOUT",
)
_OF_KIND = {
    "body": {"VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"},
    "query": {"VALIDATION_ERROR"},
    "guard": {"UNAUTHENTICATED", "FORBIDDEN"},
    "keyed": {"VALIDATION_ERROR", "IDEMPOTENCY_CONFLICT"},
    "versioned": {"VALIDATION_ERROR", "PRECONDITION_FAILED"},
    # Whoever writes may meet somebody else who does.
    "writes": {"INVENTORY_LOCKED", "CONCURRENCY_ABORT"},
}
_KEY_CHARACTERS = r"[!#-+\-.-\[\]-~]{16,255}"
_KEY_PARAMETER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "pattern": f'^({_KEY_CHARACTERS}|"{_KEY_CHARACTERS}")$'},
    "description": "16 to 255 characters, bare or in double quotes. The same key with the same"
    " request is answered as the first time and does nothing again.",
}
_IF_MATCH_PARAMETER = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string", "pattern": '^(\\*|"[0-9]{1,9}")$'},
    "description": "The ETag as last seen: the call is refused with 412 if it has changed since.",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses callers who may not: `check` is given the address's parts; `schemes` may pass.

    `needs` says in words who may, for the description. `public`: so may those without credentials.
    """

    check: Callable[[dict[str, Any]], None]
    schemes: tuple[str, ...]
    needs: str
    public: bool = False

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """What OpenAPI calls the security of an operation."""
        return [{}] * self.public + [{scheme: []} for scheme in self.schemes]


class ProblemErrorSchema(Schema):
    """What is wrong with one field of the request."""

    field = fields.String(required=True, metadata={"description": "Dotted path: slots.3.start"})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457: why a request was not answered with a success, and what to do now."""

    type = fields.Url(required=True, metadata={"description": "Names the code; leads to its page."})
    title = fields.String(required=True, metadata={"description": "The same for each code."})
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What happened this time."})
    code = fields.String(required=True, metadata={"enum": sorted(CODES)})
    hint = fields.String(required=True, metadata={"description": "What you can do now."})
    retryable = fields.Boolean(
        required=True, metadata={"description": "Whether the same request can succeed later."}
    )
    request_id = fields.String(required=True, metadata={"description": "Quote it to the operator."})
    errors = fields.List(fields.Nested(ProblemErrorSchema))
    conflict = fields.Dict(metadata={"description": "reason, requested, available, start, end, …"})
    alternatives = fields.List(fields.Dict(), metadata={"description": "Free times, best first."})


_PROBLEM = ProblemSchema()


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # Ships no types.
    """A set of calls that describe themselves in OpenAPI."""

    ARGUMENTS_PARSER = Parser()

    def call(
        self,
        method: str,
        rule: str,
        *,
        answers: tuple[int, Schema | None] = (200, None),
        body: Schema | None = None,
        body_required: bool = True,
        takes: tuple[str, str] | None = None,
        query: Schema | None = None,
        example: dict[str, Any] | None = None,
        refuses: Iterable[str] = (),
        guard: Guard | None = None,
        keyed: bool = False,
        versioned: bool = False,
    ) -> Callable[[View], View]:
        """Register a view that is given what `query` and `body` load, then the address's parts.

        `guard` refuses callers who may not. `keyed`: takes an Idempotency-Key. `versioned`: honours
        If-Match. `refuses`: the codes it can answer beside those that every call of its kind can.
        A body that is not `body_required` may be left out, and is then {}. `takes`: the media type
        of a body that is no JSON, given as bytes in its place, and an example of it.
        """

        def decorate(view: View) -> View:
            codes = _codes(
                refuses,
                body=body or takes,
                query=query,
                guard=guard,
                keyed=keyed,
                versioned=versioned,
                writes=method != "GET",
            )
            described = self._describe(view, answers, codes)
            if body is not None:
                described = self.arguments(body, example=example, required=body_required)(described)
            if takes is not None:
                content = {takes[0]: {"schema": {"type": "string"}, "example": takes[1]}}
                described = self.doc(requestBody={"required": True, "content": content})(described)
            if query is not None:
                described = self.arguments(query, location="query")(described)
            described = self.doc(
                operationId=view.__name__,
                description=_description(view, guard),
                security=guard.security if guard else [],
            )(described)
            # Beside those of the query; given to doc() they would take their place.
            headers = [_KEY_PARAMETER] * keyed + [_IF_MATCH_PARAMETER] * versioned
            documented = described._apidoc.setdefault("arguments", {})  # noqa: SLF001
            documented.setdefault("parameters", []).extend(headers)
            media_type = None if takes is None else takes[0]
            entrance = self._entrance(view, body, query, guard, media_type)
            # Only the description is taken from the decorators: each would be one more call deep.
            entrance._apidoc = dict(described._apidoc)  # type: ignore[attr-defined]  # noqa: SLF001
            self.add_url_rule(rule, view.__name__, entrance, methods=[method])
            return view

        return decorate

    def _entrance(
        self,
        view: View,
        body: Schema | None,
        query: Schema | None,
        guard: Guard | None,
        media_type: str | None,
    ) -> View:
        """Guard, then read the request, then the view."""
        parser = self.ARGUMENTS_PARSER

        @wraps(view)
        def entrance(**path: Any) -> Response:
            if guard is not None:
                guard.check(path)
            given = []
            if query is not None:
                given.append(parser.parse(query, location="query"))
            elif request.environ.get("QUERY_STRING"):
                require_sound_query(request)
                nothing_of(request.args)
            if body is not None:
                given.append(parser.parse(body, location="json"))
            elif media_type is not None:
                given.append(read_bytes(request, media_type))
            elif request.method == "POST":
                # Calls without parameters still read a body, for the fingerprint of their key.
                g.json_body = nothing_of(read_json(request))
            return view(*given, **path)

        return entrance

    def _describe(self, view: View, answers: tuple[int, Schema | None], codes: set[str]) -> View:
        @wraps(view)
        def described(*given: Any, **path: Any) -> Response:
            return view(*given, **path)

        described._apidoc = _OneDescription()  # type: ignore[attr-defined]  # noqa: SLF001
        described = self.response(*answers)(described)
        for status in sorted({CODES[code].status for code in codes}):
            these = sorted(code for code in codes if CODES[code].status == status)
            described = self.alt_response(
                status,
                schema=_PROBLEM,
                content_type=MEDIA_TYPE,
                description="; ".join(f"`{code}`: {CODES[code].title}" for code in these),
            )(described)
        return described


class _OneDescription(dict[str, Any]):
    """What the decorators of one call write into together.

    Each copies what it finds, schemas included, and there are a dozen to a call: four fifths of the
    time in which a worker starts.
    """

    def __deepcopy__(self, _memo: dict[int, Any]) -> _OneDescription:
        return self


def _description(view: View, guard: Guard | None) -> str:
    """What the docstring says below its first line, and who may call."""
    said = load_info_from_docstring(view.__doc__).get("description", "")
    needs = guard.needs if guard else "Open to everybody."
    return "\n\n".join(part for part in (said, needs) if part)


def _codes(refuses: Iterable[str], **kind: Any) -> set[str]:
    """All codes of a call: its own, and those of every call of its kind."""
    return {*_ALWAYS, *refuses}.union(*(_OF_KIND[name] for name, given in kind.items() if given))
