"""The parser, the JSON Schema and docs/configuration.md know the same keys, defaults and examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import SCHEMA, load_settings
from pipeline.config.fields import EXPORT_FORMATS, REPORT_EDITIONS, REPORT_FORMATS, REPORTS, STALE
from pipeline.config.keys import LEGACY_SCOPE, all_keys
from pipeline.errors import ConfigurationError
from pipeline.reports import documents, writers
from tests.config.files import settings, write

DOCS = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
SCOPE = re.compile(r"^cost\.budgets\.(global|providers\.\*|tags\[\]|types\.\*)\.(?!selector|priority)")
ROW = re.compile(r"^\| `([^`]+)` \| (?:`([^`]+)`|–) \| .+ \| `([^`]+)` \|$", re.MULTILINE)
BASE: dict[str, Any] = {
    "reports": {"also": [{"report": "teams"}], "sections": [{"title": "Own", "sql": "untagged.sql"}]},
    "sources": [{"name": "a", "path": "a"}],
    "currency": {"report": "USD"},
    "tags": {"virtual": [{"key": "product", "rules": [{"value": "web", "when": {"tag": "app", "equals": "web"}}]}]},
    "splits": [{"name": "shared", "key": "team", "match": {"tag": "app", "absent": True}, "by": "proportional"}],
    "cost": {"budgets": {"global": {"amount": 9, "alerts": [{"threshold": 70}]}}},
    "mail": {
        "host": "smtp.example.com",
        "from": "costs@example.com",
        "username": "kim",
        "reports": [{"report": "costs", "edition": "daily", "to": ["a@example.com"]}],
    },
    "notify": [
        {
            "name": "ops",
            "url": "ntfys://ntfy.sh/costs",
            "on": ["alerts", "reports"],
            "reports": [{"report": "costs", "edition": "monthly"}],
        }
    ],
}


@pytest.fixture(autouse=True)
def lists(tmp_path: Path) -> None:
    """The files that the documented examples name."""
    (tmp_path / "accounts.csv").write_text("id,name\n1,one\n")
    (tmp_path / "expected.csv").write_text("InvoiceId,amount,currency\n1,9,USD\n")
    (tmp_path / "templates").mkdir()
    for name in ("untagged.sql", "other.sql"):
        (tmp_path / name).write_text("SELECT 1 AS one")
    (tmp_path / "prices.yaml").write_text("prices: [{provider: a, model: b, per_image: 1}]\n")


def short(key: str) -> str:
    """The four kinds of scope have the same keys: they are documented once."""
    return SCOPE.sub("cost.budgets.*.", key)


def documented() -> list[tuple[str, str, str]]:
    return ROW.findall(DOCS.read_text(encoding="utf-8"))


def schema_keys(schema: dict[str, Any], path: str, root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if schema.get("$ref", "").startswith("#/$defs/"):
        target = root
        for step in schema["$ref"][2:].split("/"):
            target = target[step]
        yield from schema_keys(target, path, root)
    for key, value in schema.get("properties", {}).items():
        if not value.get("deprecated"):
            yield f"{path}.{key}".lstrip("."), value
            yield from schema_keys(value, f"{path}.{key}", root)
    if "items" in schema:
        yield from schema_keys(schema["items"], f"{path}[]", root)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from schema_keys(schema["additionalProperties"], f"{path}.*", root)


def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


def schema_table() -> dict[str, dict[str, Any]]:
    return {short(key): value for key, value in schema_keys(schema(), "", schema())}


def document(key: str, value: Any) -> dict[str, Any]:
    """The base configuration with one key set."""
    made: dict[str, Any] = json.loads(json.dumps(BASE))
    if key.startswith("cost.budgets.tags[]."):
        made["cost"]["budgets"]["tags"] = [{"selector": "env:dev", "amount": 1}]
    if key == "cost.budgets.*.parent":
        made["cost"]["budgets"]["providers"] = {"aws": {"amount": 1, "parent": value}}
        return made
    here: Any = made
    *steps, last = key.replace("budgets.*", "budgets.global").split(".")
    for step in steps:
        here = here[step[:-2]][0] if step.endswith("[]") else here.setdefault(step, {})
    if key == "mail.reports[].by":
        here |= {"report": "teams", "to": "owners"}
        made["mail"]["owners"] = {"ml": ["ml@example.com"]}
    if key.startswith("notify[].secret") or (key == "notify[].type" and value == "webhook"):
        here |= {"type": "webhook", "secret": "0" * 16, "url": "https://hooks.example.com/costs"}
    if key == "notify[].on":
        del here["reports"]
    if last in ("url_file", "secret_file"):
        del here[last.removesuffix("_file")]
    if last == "value_from" and value is not None:
        del here["value"]
    if last == "group_by":
        here["report"] = "costs"
    if last == "amount" and "threshold" in here:
        del here["threshold"]
    here[last] = value
    return made


def as_yaml(text: str) -> Any:
    """An example as text all the way down: what it means is for the parser to say."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def test_the_docs_have_every_key_once() -> None:
    keys = [key for key, _, _ in documented()]
    assert sorted(keys) == sorted(set(map(short, all_keys())))


def test_the_schema_has_every_key() -> None:
    assert set(schema_table()) == set(map(short, all_keys()))


def test_the_schema_describes_every_key() -> None:
    assert [key for key, value in schema_table().items() if not value.get("description")] == []


def test_the_schema_allows_no_other_key() -> None:
    closed = [
        value for value in walk(schema()) if "properties" in value and value.get("additionalProperties") is not False
    ]
    assert closed == []


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "type" in node and node["type"] in ("object", ["object", "null"]):
            yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_the_schema_names_the_flat_form_as_old() -> None:
    flat = schema()["properties"]["cost"]["properties"]["budgets"]["properties"]
    assert {key for key, value in flat.items() if value.get("deprecated")} == set(LEGACY_SCOPE)


def test_the_schema_offers_the_same_choices() -> None:
    table = schema_table()
    assert tuple(table["sources[].format"]["anyOf"][0]["enum"]) == EXPORT_FORMATS
    assert tuple(table["freshness.stale"]["anyOf"][0]["enum"]) == STALE
    assert tuple(table["reports.formats"]["items"]["anyOf"][0]["enum"]) == REPORT_FORMATS
    for key in ("reports.also[].report", "reports.sections[].reports"):
        choices = table[key].get("items", table[key])["anyOf"][0]["enum"]
        assert tuple(choices) == REPORTS == tuple(documents.REPORTS)
    assert tuple(table["reports.also[].edition"]["anyOf"][0]["enum"]) == REPORT_EDITIONS
    assert set(REPORT_FORMATS) == set(writers.FORMATS)


@pytest.mark.parametrize(("key", "default"), [(key, default) for key, default, _ in documented()])
def test_docs_and_schema_give_the_same_default(key: str, default: str) -> None:
    value = schema_table()[key].get("default")
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, list):
        value = f"[{', '.join(value)}]"
    assert default == ("" if value is None else str(value))


@pytest.mark.parametrize(("key", "default"), [(key, default) for key, default, _ in documented() if default])
def test_a_documented_default_changes_nothing(tmp_path: Path, key: str, default: str) -> None:
    said, unsaid = document(key, as_yaml(default)), document(key, None)
    assert settings(tmp_path, json.dumps(said)) == settings(tmp_path, json.dumps(unsaid))


@pytest.mark.parametrize(("key", "example"), [(key, example) for key, _, example in documented()])
def test_every_key_is_read_and_its_example_changes_the_settings(tmp_path: Path, key: str, example: str) -> None:
    base = document("cost.budgets.tags[].selector", "env:dev") if "tags[]." in key else BASE
    assert settings(tmp_path, json.dumps(document(key, as_yaml(example)))) != settings(tmp_path, json.dumps(base))


def test_the_schema_takes_every_example() -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema())  # comes with altair
    for key, _, example in documented():
        made = document(key, with_numbers(as_yaml(example)))
        assert [(key, error.message) for error in validator.iter_errors(made)] == []


def test_the_schema_takes_the_sample_of_the_docs_and_refuses_an_unknown_key() -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema())
    sample = with_numbers(as_yaml(sample_of_the_docs()))
    assert validator.is_valid(sample)
    assert not validator.is_valid({**sample, "qqq": 1})
    assert not validator.is_valid({**sample, "publish": {"mode": "0644"}})


def with_numbers(value: Any) -> Any:
    """What an editor's YAML 1.2 makes of plain numbers and switches."""
    if isinstance(value, dict):
        return {key: with_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_numbers(part) for part in value]
    if value in ("true", "false"):
        return value == "true"
    return float(value) if re.fullmatch(r"[1-9][0-9]*(\.[0-9]+)?", value) else value


def sample_of_the_docs() -> str:
    (sample,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return str(sample)


def test_the_example_of_the_docs_is_read_without_a_warning(tmp_path: Path) -> None:
    found = load_settings(write(tmp_path, sample_of_the_docs()), environ={"HOME": "/home/ann"})
    assert found.warnings == ()
    assert found.budgets is not None
    assert len(found.budgets.scopes) == 5


def test_an_unknown_key_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    for key in sorted({key.rpartition(".")[0] for key in set(map(short, all_keys()))}):
        wrong = document(f"{key}.qqq".lstrip("."), "1")
        with pytest.raises(ConfigurationError, match="unknown key 'qqq'"):
            load_settings(write(tmp_path, json.dumps(wrong)), environ={})
