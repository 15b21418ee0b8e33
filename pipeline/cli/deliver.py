"""`costmill deliver` and `costmill notifications`: tell people what is due, and list what they were told."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published
from pipeline.errors import UsageError

STATES = ("pending", "sending", "sent", "failed", "unknown")
COLUMNS = (
    *("created_at", "kind", "subject", "channel", "recipient", "status", "attempts", "settled_at", "error"),
    *("message_id", "sending_at", "run_id"),
)
#: A table shows as many of them, CSV and JSON have all.
SHOWN = 9


@click.command()
@click.option(
    "--dry-run",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write each message to this folder as it would be sent; nothing is sent or noted.",
)
@options.settings_options
def deliver(folder: Path | None, config: Path | None, warehouse: Path | None, as_of: str | None, verbose: bool) -> int:
    """Tell people what is due: reports and alerts that nobody has told them yet, by mail and the channels of notify.

    Every run does this at its end; here it is done alone, such as after a mail server was down. Each is told at most
    once to each recipient. A dry run reads the published copy and prints the files written.

    \b
    Examples:
      costmill deliver -v
      costmill deliver --dry-run /tmp/mails
    """
    from pipeline import asking, jobs
    from pipeline.config.secrets import require_secrets

    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    if not asking.tells(settings):
        raise UsageError("nobody is told anything: costmill.yaml has neither mail nor notify")
    if folder is not None:
        with published(settings, for_operator="use `costmill deliver`") as copy:
            paths, warnings = asking.rehearse_delivery(copy.warehouse, settings, folder, as_of=moment)
        for path in paths:
            click.echo(path)
        output.warnings(warnings)
        if not paths:
            click.echo("costmill: nothing is due, so no message was written", err=True)
        return 0
    require_secrets(settings)
    with output.narration(verbose) as listen, jobs.night(settings, "deliver", as_of=moment, listen=listen) as night:
        asking.require_same_tags(night)
        night.deliver()
        result = night.finish_delivery()
    output.withheld(result)
    output.undelivered(result)
    output.warnings(result.warnings)
    return result.exit_code


@click.command()
@click.option("--status", type=click.Choice(STATES), help="Only those that stand so.")
@click.option("--channel", metavar="NAME", help="Only this channel's: mail, or a name of notify.")
@click.option("--kind", type=click.Choice(["report", "alert", "failure"]), help="Only reports, alerts or failures.")
@options.format_
@options.place_options
def notifications(
    status: str | None,
    channel: str | None,
    kind: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """List what was told to whom, the oldest first, and what became of it.

    pending: due, not sent yet. sent: the server took it. failed: it did not, and the next run tries again. unknown:
    nobody can say whether it did, so it is never sent again.

    \b
    Examples:
      costmill notifications --status failed
      costmill notifications --channel mail --format csv
    """
    from pipeline.deliver.ledger import list_notifications

    settings = options.settings(config, warehouse, verbose)
    with published(settings, for_operator="list notifications") as copy:
        found = list_notifications(copy.warehouse, status=status, channel=channel, kind=kind)
    columns = COLUMNS[:SHOWN] if format_ == "table" else COLUMNS
    output.rows(columns, [[getattr(each, name) for name in columns] for each in found], format_)
    return 0
