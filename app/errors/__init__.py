"""Every answer that is no success is a Problem; its code, one of CODES, says which.

Problem                 any of CODES
  InvalidRequest        VALIDATION_ERROR: what is wrong, field by field
  Refusal               an outcome that a SQL function returned, with its facts
  DatabaseProblem       what the database raised: locked, aborted, timed out, unreachable
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors.codes import CODES, Code

ALSO_NAMED_MAX = 5

__all__ = ["CODES", "Code", "DatabaseProblem", "InvalidRequest", "Problem", "Refusal"]


class Problem(Exception):  # noqa: N818  # RFC 9457 calls it so.
    """The request cannot be answered as asked; becomes application/problem+json.

    `detail` says what is wrong this time, `hint` what the caller can do now (default: the code's).
    `members` are further members of the body: errors, conflict, alternatives. `headers` are sent.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.code = code
        self.meaning: Code = CODES[code]
        self.detail = detail or f"{self.meaning.title}."
        self.hint = hint or self.meaning.hint
        self.headers = dict(headers or {})
        self.members = members
        super().__init__(f"{code}: {self.detail}")


class InvalidRequest(Problem):
    """The request is malformed; `errors` maps each field, as a dotted path, to a sentence."""

    def __init__(self, errors: Mapping[str, str], *, hint: str | None = None) -> None:
        first, sentence = next(iter(errors.items()))
        super().__init__(
            "VALIDATION_ERROR",
            f"{first}: {sentence}{_also(list(errors)[1:])}",
            hint=hint,
            errors=[{"field": field, "message": message} for field, message in errors.items()],
        )


def _also(others: list[str]) -> str:
    """Which other fields are wrong, as far as they can be read at a glance."""
    more = [f"{len(others) - ALSO_NAMED_MAX} more"] if len(others) > ALSO_NAMED_MAX else []
    named = [*others[:ALSO_NAMED_MAX], *more]
    return f" Also wrong: {', '.join(named)}." if named else ""


class Refusal(Problem):
    """A SQL function said no, with these facts. `ids` name what was asked for, for the log."""

    def __init__(
        self,
        code: str,
        detail: str | None,
        facts: Mapping[str, Any],
        ids: Mapping[str, Any],
        **members: Any,
    ) -> None:
        super().__init__(code, detail, **members)
        self.facts = dict(facts)
        self.ids = dict(ids)


class DatabaseProblem(Problem):
    """The database raised. `lost`: the connection went away while the statement may have run.

    `advice`: what an operator can do, if that is known; no caller of the API is told.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        lost: bool = False,
        aborted: bool = False,
        advice: str | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.lost = lost
        self.aborted = aborted
        self.advice = advice
