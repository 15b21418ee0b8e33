"""JSON lines: told by content, columns over the whole file, numbers as written, and a reason for each bad line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.errors import UnreadableFileError
from pipeline.sources import formats, json_lines, packed, probe
from pipeline.sources.json_lines import Record

GCP = {
    "billing_account_id": "A",
    "service": {"id": "S"},
    "sku": {"id": "K"},
    "usage_start_time": "2026-01-01",
    "cost": 1,
    "currency": "USD",
    "invoice": {"month": "202601"},
}
ONE = json.dumps(GCP)


def put(folder: Path, text: str | bytes, name: str = "export.json") -> Path:
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def read(folder: Path, text: str | bytes) -> list[Record]:
    with packed.json_file(put(folder, text)) as file:
        return list(json_lines.records(file))


def problems(folder: Path, text: str | bytes) -> list[tuple[int, int, tuple[str, str, str]]]:
    return [(each.number, each.line, each.problem) for each in read(folder, text) if each.problem]


@pytest.mark.parametrize("name", ["export.json", "export.jsonl", "export.csv", "export.jsonl.gz"])
@pytest.mark.parametrize("text", ['{"a": 1}\n{"b": 2}\n', '\n\n{"a": 1}\r\n\r\n{"b": 2}', '\ufeff{"a": 1}\n{"b": 2}'])
def test_json_lines_are_told_by_content(tmp_path: Path, name: str, text: str) -> None:
    seen = probe.probe(put(tmp_path, text, name))
    assert (seen.content, seen.columns) == ("json_lines", ("a", "b"))
    assert not probe.is_document(tmp_path / name) if not name.endswith("gz") else True


@pytest.mark.parametrize(
    "text",
    [
        '{"assemblyId": "x", "reportKeys": []}',
        '{\n  "blobs": [\n{"a": 1}\n]\n}\n',
        "[1]",
        '[{"a": 1},\n{"a": 2}]',
        '{"cost": 1, "cur',
        "{",
    ],
)
def test_any_other_json_is_a_document_and_no_export(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, text)
    assert probe.is_document(path)
    with pytest.raises(UnreadableFileError, match="a JSON document; give JSON lines, one object a line"):
        probe.probe(path)


def test_a_single_record_of_a_known_format_is_an_export(tmp_path: Path) -> None:
    seen = probe.probe(put(tmp_path, ONE))
    assert formats.detect(seen.columns, "x").name == "gcp_billing"


def test_a_first_line_that_is_torn_does_not_hide_the_others(tmp_path: Path) -> None:
    path = put(tmp_path, '{"a": 1, "b\n{"a": 2}\n')
    assert probe.probe(path).columns == ("a",)
    [(number, line, (_, value, reason))] = problems(tmp_path, path.read_bytes())
    assert (number, line, value) == (1, 1, '{"a": 1, "b')
    assert reason.startswith("is no JSON: ")


def test_columns_are_those_of_all_lines(tmp_path: Path) -> None:
    lines = ["{}"] * 1000 + ['{"z": 1}', '{"a": {"b": {"c": 2}, "d": []}}']
    assert probe.probe(put(tmp_path, "\n".join(lines))).columns == ("z", "a.b.c", "a.d")


def test_values_are_text_and_numbers_as_written(tmp_path: Path) -> None:
    text = (
        '{"a": 0.10000000000000000000000000000001, "b": 1e-7, "c": -0, "d": true, "e": null, "f": "1.50", "g": 1E400}'
    )
    [record] = read(tmp_path, text)
    assert record.values == {
        "a": "0.10000000000000000000000000000001",
        "b": "1e-7",
        "c": "-0",
        "d": "true",
        "e": None,
        "f": "1.50",
        "g": "1E400",
    }


def test_lists_stay_one_column_as_json_with_their_numbers_as_written(tmp_path: Path) -> None:
    [record] = read(tmp_path, '{"l": [ {"a": 0.100, "b": "é\\n"}, [] , null ]}')
    assert record.values == {"l": '[{"a":0.100,"b":"é\\n"},[],null]'}


def test_an_object_that_a_format_takes_as_one_stays_one(tmp_path: Path) -> None:
    [record] = read(tmp_path, '{"Tags": {"a.b": "1"}, "x": {"a.b": "2"}}')
    assert record.values == {"Tags": '{"a.b":"1"}', "x.a.b": "2"}


def test_objects_far_inside_each_other_stay_text(tmp_path: Path) -> None:
    [record] = read(tmp_path, '{"a":' * 12 + "1" + "}" * 12)
    assert record.values == {"a.a.a.a.a.a.a.a": '{"a":{"a":{"a":{"a":1}}}}'}


@pytest.mark.parametrize(
    ("line", "column", "value", "reason"),
    [
        ("[1, 2]", "", "[1, 2]", "is no JSON object"),
        ("1", "", "1", "is no JSON object"),
        ("{'a': 1}", "", "{'a': 1}", "is no JSON: Expecting property name enclosed in double quotes at character 2"),
        ('{"a": NaN}', "", '{"a": NaN}', "is no JSON: NaN is no number"),
        ('{"a": 1} {"a": 2}', "", '{"a": 1} {"a": 2}', "is no JSON: Extra data at character 10"),
        ('{"cost": 1, "cost": 2}', "cost", "", "stands twice"),
        ('{"p.id": 1, "p": {"id": 2}}', "p.id", "", "stands twice"),
        ('{"l": [{"a": 1, "a": 2}]}', "", '{"l": [{"a": 1, "a": 2}]}', "has the key 'a' twice"),
        ('{"a": "\\ud83d!"}', "a", "\\ud83d!", "holds half a character (a lone surrogate)"),
        ('{"\\ud83d": 1}', "\\ud83d", "1", "holds half a character (a lone surrogate)"),
        (b'{"a": "\xff"}', "", "", "is not UTF-8 text"),
        ("[" * 10_000, "", "[" * 200, "is nested too deep"),
        ('{"a":' * 10_000, "", '{"a":' * 40, "is nested too deep"),
        ('{"a": ' + "[" * 500 + "]" * 500 + "}", "", '{"a": ' + "[" * 194, "is nested too deep"),
    ],
    ids=range(14),
)
def test_a_bad_line_says_why_and_the_others_go_on(
    tmp_path: Path, line: str | bytes, column: str, value: str, reason: str
) -> None:
    data = b'{"a": 1}\n\n' + (line if isinstance(line, bytes) else line.encode()) + b'\n{"a": 2}\n'
    assert problems(tmp_path, data) == [(2, 3, (column, value, reason))]
    assert [each.values for each in read(tmp_path, data) if not each.problem] == [{"a": "1"}, {"a": "2"}]


def test_a_last_line_that_is_cut_off_says_so(tmp_path: Path) -> None:
    [(number, line, (_, value, reason))] = problems(tmp_path, '{"a": 1}\n{"a": 2}\n{"a": 3, "b": "x')
    assert (number, line, value) == (3, 3, '{"a": 3, "b": "x')
    assert reason.endswith("; the file may be cut off here")


def test_a_line_without_end_is_refused_without_keeping_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LINE_LIMIT", 100)
    text = '{"a": 1}\n{"b": "' + "x" * 1000 + '"}\n{"a": 2}'
    assert problems(tmp_path, text) == [(2, 2, ("", "", "is longer than 100 bytes"))]


def test_more_columns_than_any_export_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MOST_COLUMNS", 3)
    with pytest.raises(UnreadableFileError, match="more than 3 columns by line 2; that is no export"):
        probe.probe(put(tmp_path, '{"a": 1, "b": 2}\n{"c": 1, "d": 2}'))


def test_a_torn_gzip_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, (ONE + "\n") * 1000, "export.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match=r"torn or damaged: .*; deliver it again"):
        probe.probe(path)
