"""Nested values as exports write them into one column: JSON or a Python repr. Numbers stay the text they are.

Nothing is evaluated: a repr is parsed and only its lists, dicts, texts, numbers and constants are taken.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import Any

#: A Python repr may be this long (characters), and lists and objects may stand this deep in each other.
REPR_LIMIT = 1 << 18
MOST_DEPTH = 64

#: What a repr may hold outside its texts: no operators, no names but these, so that nothing of it can blow up.
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PLAIN = re.compile(
    r"(?:[\[\](){},:\s]|[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?(?=[\s,:)\]}]|\Z)|None|True|False|Decimal)*+",
    re.ASCII,
)
_BROKEN = (SyntaxError, ValueError, RecursionError, MemoryError)


class LiteralError(ValueError):
    """A text says no value; the message says why, after a name."""


class Number(str):
    """A number by the text that was written."""

    __slots__ = ()


def decode(text: str) -> Any:
    """Return what a JSON or a Python repr says: dict, list, str, bool, None, and numbers as ``Number``.

    An object's key that stands twice is refused.

    Raises:
        LiteralError: when it is neither, or is nested too deep.
    """
    try:
        return _plain(_JSON.decode(text))
    except LiteralError:
        raise
    except RecursionError:
        raise LiteralError("is nested too deep") from None
    except ValueError:
        return _decode_repr(text)


def decode_json(text: str) -> Any:
    """Return what a JSON text says, as ``decode`` does, but objects as tuples of pairs, keys that stand twice included.

    Raises:
        LiteralError: when it is no JSON, or is nested too deep.
    """
    try:
        return _JSON.decode(text)
    except RecursionError:
        raise LiteralError("is nested too deep") from None
    except json.JSONDecodeError as error:
        raise LiteralError(f"is no JSON: {error.msg} at character {error.pos + 1}") from None


def encode(value: Any, depth: int = 0) -> str:
    """Write a decoded value as JSON without blanks, numbers as they were written.

    Raises:
        LiteralError: when it is nested too deep.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is Number:
        return str(value)
    if depth > MOST_DEPTH:
        raise LiteralError("is nested too deep")
    if kind is list:
        return "[" + ",".join([encode(item, depth + 1) for item in value]) + "]" if value else "[]"
    if kind is tuple or kind is dict:
        pairs = _once(value).items() if kind is tuple else value.items()
        return "{" + ",".join([encode_basestring(key) + ":" + encode(item, depth + 1) for key, item in pairs]) + "}"
    return "null" if value is None else "true" if value else "false"


def objects(loaded: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, without what Parquet writers wrap around lists and their elements.

    Raises:
        LiteralError: when it is no list of objects.
    """
    if isinstance(loaded, dict) and list(loaded) == ["list"]:
        loaded = loaded["list"]
    if loaded is None or loaded == {}:
        return []
    if not isinstance(loaded, list):
        raise LiteralError("is no list")
    found = [_unwrapped(entry) for entry in loaded if entry is not None]
    if not all(isinstance(entry, dict) for entry in found):
        raise LiteralError("is no list of objects")
    return found


def _unwrapped(entry: Any) -> Any:
    wrapped = isinstance(entry, dict) and len(entry) == 1 and next(iter(entry)) in ("element", "item")
    return next(iter(entry.values())) if wrapped else entry


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise LiteralError(f"has the key {twice!r} twice")
    return found


def _plain(value: Any) -> Any:
    """Objects as dicts, all the way down."""
    if isinstance(value, tuple):
        return {key: _plain(item) for key, item in _once(value).items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _no_number(text: str) -> Any:
    raise LiteralError(f"is no JSON: {text} is no number")


#: Objects become tuples of pairs: made without a call of Python each, and a key that stands twice is still seen.
_JSON = json.JSONDecoder(object_pairs_hook=tuple, parse_float=Number, parse_int=Number, parse_constant=_no_number)


def _decode_repr(text: str) -> Any:
    if len(text) > REPR_LIMIT or not _PLAIN.fullmatch(_STRINGS.sub("", text)):
        raise LiteralError("is neither JSON nor a Python literal")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except _BROKEN:
        raise LiteralError("is neither JSON nor a Python literal") from None
    return _value(tree.body, text.strip().encode("utf-8", "surrogatepass"), 0)


def _value(node: ast.expr, source: bytes, depth: int) -> Any:
    if depth > MOST_DEPTH:
        raise LiteralError("is nested too deep")
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item, source, depth + 1) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = [_value(key, source, depth + 1) if key else None for key in node.keys]
        values = [_value(item, source, depth + 1) for item in node.values]
        return _once([(str(key), value) for key, value in zip(keys, values, strict=True)])
    if isinstance(node, ast.Call) and _name(node.func) == "Decimal" and len(node.args) == 1:
        return Number(_value(node.args[0], source, depth + 1))
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (str, bool))):
        return node.value
    if isinstance(node, (ast.Constant, ast.UnaryOp)) and node.lineno == node.end_lineno == 1:
        return Number(source[node.col_offset : node.end_col_offset].decode())
    raise LiteralError("is neither JSON nor a Python literal")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
