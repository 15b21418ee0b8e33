"""The tags of answers: the bill's with aliases brought to their key and virtual tags laid over.

For a source and billing period the rollups read ``tagged_charges`` (its charges with their virtual tags) and
``charge_tags`` (what each pair of tag set and virtual tags comes to), both temporary. Tag sets that the bill does not
have as they are stand in ``changed_tag_sets`` and ``changed_tags``; the views ``effective_tag_sets`` and
``effective_tags`` have all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pipeline import tags
from pipeline.rules import Condition, Joined, Operand, TagRules, VirtualTag, read_tag_rules, tag_rules_json
from pipeline.store import rule_sql, schema
from pipeline.store.warehouse import Warehouse

#: Sets apart the id of a changed tag set from that of a billed one with the same pairs.
_CHANGED = "changed:"


def stored_rules(warehouse: Warehouse) -> TagRules:
    """Return the tag rules that the rollups were made with."""
    return read_tag_rules(warehouse.value("SELECT value FROM settings WHERE name = 'tag_rules'"))


def store_rules(warehouse: Warehouse, rules: TagRules) -> None:
    """Keep the tag rules, with the views that speak of them; the rollups are the caller's to make anew."""
    warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('tag_rules', ?)", [tag_rules_json(rules)])
    warehouse.execute("DELETE FROM tag_aliases")
    rows = [(key, name, place) for key, _ in rules.aliases for place, name in enumerate(rules.spellings(key))]
    if rows:
        warehouse.connection.executemany("INSERT INTO tag_aliases VALUES (?, ?, ?)", rows)
    schema.refresh_columns(warehouse)


def tag_charges(warehouse: Warehouse, source: str, period: str, keys: Sequence[str]) -> None:
    """Make ``tagged_charges`` and ``charge_tags`` of a source and billing period; ``keys`` are the reported ones."""
    rules = stored_rules(warehouse)
    _view_charges(warehouse, source, period, rules)
    found = warehouse.rows("""
        SELECT CAST(c.x_TagSetId AS VARCHAR), c.x_VirtualTags, t.Tags
        FROM (SELECT DISTINCT x_TagSetId, x_VirtualTags FROM tagged_charges) AS c
        LEFT JOIN tag_sets AS t ON t.x_TagSetId = c.x_TagSetId""")
    rows: list[tuple[str | None, str | None, str | None, str | None]] = []
    changed: dict[str, dict[str, str]] = {}
    for set_id, virtual, billed in found:
        if virtual is None and not rules.aliases:
            rows.append((set_id, None, set_id, tags.reported(billed, keys) if billed else None))
            continue
        before = json.loads(billed) if billed else {}
        pairs = rules.merged(before) | (json.loads(virtual) if virtual else {})
        effective = set_id if pairs == before else str(tags.set_id(_CHANGED + tags.canonical(pairs)))
        if effective is not None and effective != set_id:
            changed[effective] = pairs
        rows.append((set_id, virtual, effective, tags.chosen(pairs, keys)))
    columns = {"x_TagSetId": "UUID", "x_VirtualTags": "VARCHAR"}
    columns |= {"x_EffectiveTagSetId": "UUID", "x_ReportedTags": "VARCHAR"}
    warehouse.replace_temporary("charge_tags", columns, rows)
    _save_changed(warehouse, changed)


def remember_tags(warehouse: Warehouse, source: str, period: str) -> None:
    """Note the changed tag sets that a source and billing period leaves when its rollups are made anew."""
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE leaving_tags AS SELECT DISTINCT x_EffectiveTagSetId FROM resource_costs "
        "WHERE x_Source = $1 AND x_BillingPeriod = $2 AND x_EffectiveTagSetId IS DISTINCT FROM x_TagSetId",
        [source, period],
    )


def drop_orphans(warehouse: Warehouse) -> None:
    """Drop the changed tag sets that only the replaced rollups used."""
    if not warehouse.value("SELECT 1 FROM leaving_tags LIMIT 1"):
        return
    for table in ("changed_tag_sets", "changed_tags"):
        warehouse.execute(f"""
            DELETE FROM {table} WHERE x_EffectiveTagSetId IN (SELECT x_EffectiveTagSetId FROM leaving_tags)
            AND x_EffectiveTagSetId NOT IN (
                SELECT x_EffectiveTagSetId FROM resource_costs WHERE x_EffectiveTagSetId IS NOT NULL)""")


def _view_charges(warehouse: Warehouse, source: str, period: str, rules: TagRules) -> None:
    """Define ``tagged_charges``; what rules ask of tags is read once per tag set, not once per charge."""
    ruled = [*rules.virtual, *([rules.tenant] if rules.tenant else [])]
    keys = sorted({key for tag in ruled for key in _tag_keys(tag)})
    where = f"c.x_Source = {rule_sql.literal(source)} AND c.x_BillingPeriod = {rule_sql.literal(period)}"
    # A source's charges are all of bills or all records: the first one tells.
    is_recorded = warehouse.value(f"SELECT c.x_RecordId IS NOT NULL FROM charges AS c WHERE {where} LIMIT 1")
    relations = "charges AS c"
    if ruled or is_recorded:
        billed = rule_sql.billed_tag(rules)
        asked = "".join(f", {billed(key)} AS tag_{number}" for number, key in enumerate(keys))
        warehouse.execute(f"""
            CREATE OR REPLACE TEMP TABLE asked_tags AS
            SELECT t.x_TagSetId, {rule_sql.RECORDED_TENANT} AS recorded_tenant{asked} FROM tag_sets AS t
            WHERE t.x_TagSetId IN (SELECT c.x_TagSetId FROM charges AS c WHERE {where})""")
        relations += " LEFT JOIN asked_tags AS a ON a.x_TagSetId = c.x_TagSetId"
    if ruled:
        relations += " LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey"

    def tag(key: str) -> str:
        return f"a.tag_{keys.index(key)}"

    recorded = "a.recorded_tenant" if is_recorded else None
    warehouse.execute(f"""
        CREATE OR REPLACE TEMP VIEW tagged_charges AS
        SELECT c.*, {rule_sql.virtual_tags(rules, tag)} AS x_VirtualTags,
            {rule_sql.tenant_id(rules, tag, recorded)} AS x_TenantId
        FROM {relations} WHERE {where}""")


def _tag_keys(tag: VirtualTag) -> set[str]:
    """The tags that the rules of a virtual one ask a charge for; its own key is asked for its default."""
    operands = [operand for rule in tag.rules for operand in _operands(rule.when)]
    operands += [rule.value_from for rule in tag.rules if rule.value_from]
    return {tag.key, *(operand.name for operand in operands if operand.kind == "tag")}


def _operands(asked: Condition) -> Iterator[Operand]:
    if isinstance(asked, Joined):
        for part in asked.parts:
            yield from _operands(part)
    else:
        yield asked.operand


def _save_changed(warehouse: Warehouse, changed: dict[str, dict[str, str]]) -> None:
    if not changed:
        return
    sets = [(set_id, tags.canonical(pairs)) for set_id, pairs in changed.items()]
    flat = [(set_id, key, value) for set_id, pairs in changed.items() for key, value in pairs.items()]
    columns = {"x_EffectiveTagSetId": "UUID", "TagKey": "VARCHAR", "TagValue": "VARCHAR"}
    warehouse.replace_temporary("found_tag_sets", {"x_EffectiveTagSetId": "UUID", "Tags": "VARCHAR"}, sets)
    warehouse.replace_temporary("found_tags", columns, flat)
    absent = "WHERE x_EffectiveTagSetId NOT IN (SELECT x_EffectiveTagSetId FROM changed_tag_sets)"
    warehouse.execute(f"INSERT INTO changed_tags BY NAME SELECT * FROM found_tags {absent}")
    warehouse.execute(f"INSERT INTO changed_tag_sets BY NAME SELECT * FROM found_tag_sets {absent}")
