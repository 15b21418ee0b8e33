"""A policy as YAML that a person edits: every field with what it may be, and read back with the line of each mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.budgets.policies import ACTIONS, CHANGEABLE, ORIGINS, PERIODS, SCOPES, Policy, checked, problems_of
from pipeline.config.findings import Findings
from pipeline.config.yaml import Items, Node, Table, Text, Unreadable, read
from pipeline.errors import Problem, near
from pipeline.money import amount, text

#: Begins a comment that says what is wrong; the next reading takes it out.
WRONG = "# wrong: "

#: Field -> what it may be.
_WORDS = {
    "name": "A line of text.",
    "scope": f"One of {', '.join(SCOPES)}.",
    "scope_id": "Which one: the provider, account, service, ..., or the tag's value; empty for global.",
    "limit": "Above 0, per window; exact.",
    "period": f"One of {', '.join(PERIODS)}.",
    "currency": "An ISO 4217 code.",
    "soft_limit_percent": "Percent of the limit, 0 to 100: from here on it warns.",
    "hard_limit_action": f"What the limit asks of whoever spends: {', '.join(ACTIONS)}.",
    "rollover": "Percent of the limit, 0 to 100, that may be carried to the next window; empty: none.",
    "priority": "A whole number: the order in lists, high first.",
    "enabled": "true or false: whether it counts.",
    "owner": "Who answers for it; empty: nobody.",
    "origin": f"The charges that it counts: {', '.join(ORIGINS)}.",
    "metadata": "What JSON can hold, under keys; {} for nothing.",
}
_MAY_BE_ABSENT = ("rollover", "owner")
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Edited:
    """What a text says of a policy: the policy with it, or what is wrong."""

    policy: Policy | None
    problems: tuple[Problem, ...] = ()


def write(policy: Policy) -> str:
    """Return a checked policy as YAML, each field below a comment that says what it may be."""
    whose = f" of the tenant {policy.tenant_id}" if policy.tenant_id is not None else ""
    lines = [
        f"# The policy {policy.id}{whose}. Save and leave to see what would change;",
        "# what is left as it is, or left out, stays as it is.",
    ]
    for name in CHANGEABLE:
        value = _written(getattr(policy, name))
        lines += ["", f"# {_WORDS[name]}", f"{name}: {value}".rstrip()]
    return "\n".join([*lines, ""])


def marked(typed: str, problems: Iterable[Problem]) -> str:
    """Return a text with a comment above each line that is wrong; what has no line is said on top."""
    lines = unmarked(typed).removesuffix("\n").split("\n")
    found: dict[int, list[str]] = {}
    for problem in problems:
        words = f"{problem.path}: {problem.message}" if problem.path else problem.message
        at = min(problem.line or 1, len(lines) + 1)
        found.setdefault(at, []).append(WRONG + " ".join(words.split()))
    shown = [line for at, own in enumerate(lines, 1) for line in (*found.get(at, ()), own)]
    return "".join(f"{line}\n" for line in (*shown, *found.get(len(lines) + 1, ())))


def unmarked(typed: str) -> str:
    """Return a text without the comments of ``marked``."""
    return "".join(line for line in re.findall(r"[^\n]*\n|[^\n]+", typed) if not line.startswith(WRONG))


def is_blank(typed: str) -> bool:
    """Whether a text says nothing: comments alone, or less."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in typed.splitlines())


def edited(policy: Policy, typed: str) -> Edited:
    """Read what a person made of ``write(policy)``; lines are those of ``unmarked(typed)``."""
    findings = Findings()
    table = read(unmarked(typed), None, findings)
    updates = dict(_updates(table, findings)) if table is not None else {}
    if table is None or findings.problems:
        return Edited(None, tuple(findings.problems))
    changed = replace(policy, **updates)
    for words in problems_of(changed):
        name = re.split(r"[ :]", words, maxsplit=1)[0]
        findings.problem(table.key_lines.get(name), "", words)
    return Edited(None, tuple(findings.problems)) if findings.problems else Edited(checked(changed))


def differences(before: Policy, after: Policy) -> dict[str, tuple[Any, Any]]:
    """Return field -> what it was and what it is, of the fields that an update may change."""
    old, new = before.to_json_dict(), after.to_json_dict()
    return {name: (old[name], new[name]) for name in CHANGEABLE if old[name] != new[name]}


def difference_text(different: Mapping[str, tuple[Any, Any]]) -> str:
    """Return changes as a line of text each: ``limit: 500 -> 600``."""
    return "\n".join(f"{name}: {_said(old)} -> {_said(new)}" for name, (old, new) in different.items())


def _said(value: Any) -> str:
    return "(nothing)" if value in (None, "", {}) else value if isinstance(value, str) else _json(value)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, Mapping)):
        return _json(value)
    if isinstance(value, str):
        return value if re.fullmatch(r"[a-z][a-z0-9_]*|[A-Z]{3}", value) else _json(value)
    return text(amount(value))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _updates(table: Table, findings: Findings) -> Iterable[tuple[str, Any]]:
    for name, node in table.entries.items():
        line = table.key_lines[name]
        if name not in CHANGEABLE:
            findings.problem(line, name, f"a policy has no such field that can be changed{near(name, CHANGEABLE)}")
        elif name == "metadata":
            yield name, {} if isinstance(node, Text) and node.is_null else _plain(node)
        elif not isinstance(node, Text):
            if not isinstance(node, Unreadable):
                findings.problem(line, name, f"is no single value; {_WORDS[name]}")
        elif name == "priority" and not _WHOLE.fullmatch(node.text):
            findings.problem(line, name, f"{node.text!r} is no whole number")
        elif name == "enabled" and node.text not in ("true", "false"):
            findings.problem(line, name, f"{node.text!r} is neither true nor false")
        else:
            yield name, _value(name, node)


def _value(name: str, node: Text) -> Any:
    if node.is_null:
        return None if name in _MAY_BE_ABSENT else ""
    if name == "priority":
        return int(node.text)
    return node.text == "true" if name == "enabled" else node.text


def _plain(node: Node) -> Any:
    """A value as JSON would have it; a plain word that is none of JSON's is text."""
    if isinstance(node, Table):
        return {key: _plain(each) for key, each in node.entries.items()}
    if isinstance(node, Items):
        return [_plain(each) for each in node.items]
    if not isinstance(node, Text):
        return None
    if node.quoted:
        return node.text
    if node.is_null:
        return None
    try:
        return json.loads(node.text)
    except ValueError:
        return node.text
