"""``actor``: who asks by the command line, with what the environment says of it before the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar, cast, get_args

from pipeline.actors import ALL, Actor, ActorType, Permission
from pipeline.config import fields
from pipeline.config.findings import Findings
from pipeline.config.keys import SECTIONS
from pipeline.config.model import OPERATOR
from pipeline.config.section import Section

T = TypeVar("T")

_Key = Literal["id", "type", "tenant", "permissions"]
VARIABLES: dict[_Key, str] = {
    "id": "COSTMILL_ACTOR",
    "type": "COSTMILL_ACTOR_TYPE",
    "tenant": "COSTMILL_TENANT",
    "permissions": "COSTMILL_PERMISSIONS",
}
_TYPE = fields.choice(get_args(ActorType))
_WORD = fields.choice((*Permission, ALL))


def read_actor(root: Section, environ: Mapping[str, str]) -> Actor:
    """Read ``actor`` and the four variables; whoever is not named is the operator, who may do all."""
    section = root.section("actor", SECTIONS["actor"])
    stated = Actor(
        id=section.value("id", fields.line_of_text, OPERATOR.id),
        type=cast(ActorType, section.value("type", _TYPE, OPERATOR.type)),
        tenant=section.value("tenant", fields.line_of_text, None),
        permissions=frozenset(section.values("permissions", _WORD, tuple(OPERATOR.permissions))),
    )
    findings = root.findings
    return Actor(
        id=_variable("id", fields.line_of_text, environ, findings) or stated.id,
        type=cast(ActorType, _variable("type", _TYPE, environ, findings) or stated.type),
        tenant=_variable("tenant", fields.line_of_text, environ, findings) or stated.tenant,
        permissions=_variable("permissions", _words, environ, findings) or stated.permissions,
    )


def _words(value: str) -> frozenset[str]:
    return frozenset(_WORD(word.strip()) for word in value.split(","))


def _variable(key: _Key, parse: Callable[[str], T], environ: Mapping[str, str], findings: Findings) -> T | None:
    text = environ.get(VARIABLES[key], "").strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        findings.problem(None, VARIABLES[key], str(error))
        return None
