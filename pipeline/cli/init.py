"""`costmill init`: a configuration to start from."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.errors import UsageError

TEMPLATE = """\
# Costmill's configuration. Paths are relative to this file; ${NAME} and ${NAME:-default} come from the environment.
# Every key is explained in docs/configuration.md. Policies, the budgets that people and programs set and ask before
# they spend, are not in here: costmill budgets create, costmill budgets check.

warehouse: warehouse/costs.duckdb        # the writer's; nobody else opens it
publish: {path: published/costs.duckdb}  # read-only copy: what analysts open
reports: {out: reports/, formats: [html, md]}

sources:
  - name: aws-prod                       # a source's name is its identity: do not change it
    path: exports/aws/**                 # a file, a folder or a glob
  # - name: azure-main
  #   path: exports/azure/**

freshness: {max_age_days: 3, stale: banner}
currency: {report: USD}
tags: {report_keys: [team, env]}
anomalies: {enabled: true}               # tell days that cost far more than their weekday usually does

cost:
  budgets:
    global:
      amount: 10000
      alerts:
        - {threshold: 80, type: actual}
        - {threshold: 100, type: forecasted}
    # providers: {aws: {amount: 8000}}
    # tags: [{selector: "team:platform", priority: 10, amount: 3000}]
    # exit_on_threshold: true            # a breach ends the run with exit_code
"""


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("costmill.yaml"))
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(path: Path, force: bool) -> int:
    """Write a commented configuration to start from (PATH, by default costmill.yaml).

    \b
    Example:
      costmill init && costmill run -v
    """
    target = path / "costmill.yaml" if path.is_dir() else path
    if target.exists() and not force:
        raise UsageError(f"{target} exists and was left as it is; --force replaces it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(TEMPLATE, encoding="utf-8")
    click.echo(target)
    return 0
