"""Tag sets: decoded once per distinct text, stored as canonical JSON, named by its md5."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from pipeline import literals

#: Between the parts of a raw tag text (one JSON object each).
PART = "\x1e"
#: Key under which a text that is no JSON object is kept: nothing of the bill is lost.
UNREADABLE = "x_UnreadableTags"


@dataclass(frozen=True)
class TagSet:
    """A decoded tag set: its pairs and how many keys were given twice (the last one won)."""

    pairs: Mapping[str, str]
    repeated: int = 0

    @property
    def canonical(self) -> str:
        """Canonical JSON: keys in code-point order, text values, no blanks, unescaped UTF-8."""
        return canonical(self.pairs)


def canonical(pairs: Mapping[str, str]) -> str:
    """Return the canonical JSON of tag pairs."""
    return json.dumps(dict(sorted(pairs.items())), ensure_ascii=False, separators=(",", ":"))


def set_id(canonical_json: str) -> UUID:
    """Return a tag set's id: the md5 of its canonical JSON."""
    return UUID(hashlib.md5(canonical_json.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest())


def decode(
    text: str, *, prefixes: Iterable[str] = ("",), aws: bool = False, bare: bool = False, listed: bool = False
) -> TagSet:
    """Decode a raw tag text: JSON objects joined by ``PART``; the n-th one's keys get the n-th prefix.

    ``aws`` strips ``user:`` and ``user_`` from keys and writes ``aws_x`` as ``aws:x``; ``bare`` takes an object's inside
    without its braces, as Azure writes it. Null values are left out; a value
    that is no text is written as JSON. A text that is no JSON object is kept whole under ``x_UnreadableTags``.

    ``listed`` takes lists of objects with ``key`` and ``value``, as JSON or Python repr, beside JSON objects.
    """
    pairs: dict[str, str] = {}
    repeated = 0
    for part, prefix in zip(text.split(PART), prefixes, strict=False):
        for key, value in _listed(part) if listed else _bare_pairs(part) if bare else _pairs(part):
            name = _sound(prefix + (_aws_key(key) if aws and not prefix else key))
            repeated += name in pairs
            pairs[name] = _sound(value)
    return TagSet(pairs, repeated)


def reported(canonical_json: str, keys: Iterable[str]) -> str | None:
    """Return the canonical JSON of the given keys only, or None when the set has none of them."""
    return chosen(json.loads(canonical_json), keys)


def chosen(pairs: Mapping[str, str], keys: Iterable[str]) -> str | None:
    """Return the canonical JSON of the given keys of a set only, or None when it has none of them."""
    found = {key: pairs[key] for key in keys if key in pairs}
    return canonical(found) if found else None


def _sound(text: str) -> str:
    """A text without lone surrogates: JSON can write them, UTF-8 and the store cannot."""
    return text.encode("utf-8", "replace").decode()


def _bare_pairs(part: str) -> list[tuple[str, str]]:
    if not part.strip() or part.lstrip().startswith("{"):
        return _pairs(part)
    inside = _pairs("{" + part.strip().removesuffix(",") + "}")
    return [(UNREADABLE, part)] if inside[:1] == [(UNREADABLE, "{" + part.strip().removesuffix(",") + "}")] else inside


def _pairs(part: str) -> list[tuple[str, str]]:
    if not part.strip():
        return []
    try:
        loaded = json.loads(part, object_pairs_hook=list, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return [(UNREADABLE, part)]
    if loaded is None:
        return []
    if not isinstance(loaded, list) or (loaded == [] and not part.lstrip().startswith("{")):
        return [(UNREADABLE, part)]
    if loaded and not part.lstrip().startswith("{"):
        return [(UNREADABLE, part)]
    return [(key, _text(value)) for key, value in loaded if value is not None]


def _listed(part: str) -> list[tuple[str, str]]:
    try:
        loaded = literals.decode(part) if part.strip() else None
        if isinstance(loaded, dict) and list(loaded) != ["list"]:
            return _pairs(part)
        found = [(entry["key"], entry.get("value")) for entry in literals.objects(loaded)]
        return [(_listed_text(key), _listed_text(value)) for key, value in found if value is not None]
    except (literals.LiteralError, KeyError):
        return [(UNREADABLE, part)]


def _listed_text(value: object) -> str:
    return str(value) if isinstance(value, str) else literals.encode(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, list) and all(isinstance(item, tuple) and len(item) == 2 for item in value) and value:
        return {str(key): _plain(inner) for key, inner in value}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _aws_key(key: str) -> str:
    for prefix in ("user:", "user_"):
        if key.startswith(prefix):
            return key[len(prefix) :]
    return "aws:" + key[4:] if key.startswith("aws_") else key
