"""``${NAME}`` and ``${NAME:-default}`` in the values of the configuration; ``$${`` writes a plain ``${``."""

from __future__ import annotations

import re
from collections.abc import Mapping

# In this order: the escape, a whole variable, and a "${" that begins neither.
_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-[^}]*)?\}|\$\{")


class MissingVariableError(ValueError):
    """The environment lacks a variable that has no default."""


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """Return ``text`` with its variables filled in, once: what a variable holds is not looked at again.

    As in the shell, ``:-default`` stands in for a variable that is missing or empty.

    Raises:
        MissingVariableError: for a missing variable without a default.
        ValueError: for ``${`` that begins no variable.
    """

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, fallback = match["name"], match["fallback"]
        if name is None:
            raise ValueError("'${' begins no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters")
        if fallback is not None:
            return environ.get(name) or fallback[2:]
        if name not in environ:
            raise MissingVariableError(f"the environment has no {name}; set it, or write ${{{name}:-default}}")
        return environ[name]

    return _VARIABLE.sub(value, text)
