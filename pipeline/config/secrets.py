"""Secrets of the configuration: never shown, and missing only for who needs them.

What is written as ``${NAME}`` may be in the environment of the night alone: whoever asks the warehouse something tells
nobody anything, and gets along without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from pipeline.config.model import Settings


class Secret:
    """A text that is never shown: only who asks for it by ``reveal`` gets it.

    Attributes:
        lacks: what is wrong where the environment does not have it; None: it is there.
    """

    def __init__(self, text: str, *, lacks: Problem | None = None) -> None:
        self._text = text
        self.lacks = lacks

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (other._text, other.lacks) == (self._text, self.lacks)

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not copied to disk")

    def reveal(self) -> str:
        """Return the text.

        Raises:
            ConfigurationError: when the environment does not have it.
        """
        if self.lacks is not None:
            raise ConfigurationError([self.lacks])
        return self._text


def require_secrets(settings: Settings) -> None:
    """Check that all secrets are there, before anything is done that ends with telling people.

    Raises:
        ConfigurationError: with the line, key and variable of each one that is missing.
    """
    given = [settings.mail.password] if settings.mail else []
    given += [own for channel in settings.notify for own in (channel.url, channel.secret)]
    lacking = [own.lacks for own in given if own is not None and own.lacks is not None]
    if lacking:
        file = str(settings.file) if settings.file else None
        raise ConfigurationError(sorted(lacking, key=lambda problem: problem.line or 0), file)
