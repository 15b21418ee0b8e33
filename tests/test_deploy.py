"""What runs Costmill every night: systemd accepts the units, the image has what it copies, cron's way works as written."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import IN_CI
from tests.jobs.nights import ask, write_bill
from tests.test_packaging import checkout_files, run

PROGRAM = "/opt/costmill/bin/costmill"
HOME = "/srv/costmill"


@pytest.fixture
def operations(project_root: Path) -> str:
    return (project_root / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture
def dockerfile(project_root: Path) -> str:
    return (project_root / "Dockerfile").read_text(encoding="utf-8")


def copied(dockerfile: str) -> list[str]:
    """What the image takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_systemd_accepts_the_units(project_root: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        reason = "needs systemd-analyze (Debian: apt-get install systemd)"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    units = [shutil.copy(path, tmp_path) for path in (project_root / "deploy" / "systemd").iterdir()]
    service = tmp_path / "costmill.service"
    service.write_text(service.read_text().replace(PROGRAM, sys.executable))  # it must be there
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if "costmill" in line]
    assert (done.returncode, own) == (0, []), done.stderr


def test_all_that_the_image_copies_is_in_git_and_reaches_the_build(project_root: Path, dockerfile: str) -> None:
    ignore = (project_root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    assert sorted(copied(dockerfile)) == sorted(let_in)
    assert [source for source in copied(dockerfile) if not checkout_files(project_root, source)] == []


@pytest.mark.heavy
def test_the_image_makes_its_wheel_of_what_it_copies(project_root: Path, dockerfile: str, tmp_path: Path) -> None:
    for source in copied(dockerfile):
        for name in checkout_files(project_root, source):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project_root / name, tmp_path / name)
    [step] = re.findall(r"^RUN python (-m pip wheel .+)$", dockerfile, re.MULTILINE)
    run([sys.executable, *step.split()], cwd=tmp_path)
    names = zipfile.ZipFile(next((tmp_path / "dist").iterdir())).namelist()
    inside = [name for name in names if fnmatch.fnmatch(name, "pipeline/_resources/*")]
    assert [name.removeprefix("pipeline/_resources/") for name in sorted(inside)] == checkout_files(
        project_root, "sql", "reports"
    )
    assert {"pipeline/airflow.py", "pipeline/config/costmill.schema.json"} <= set(names)


@pytest.mark.heavy
def test_by_cron_from_nothing_to_the_report_as_the_page_says(operations: str, tmp_path: Path) -> None:
    begin, first_night = (
        block for block in re.findall(r"```sh\n(.*?)```", operations, re.DOTALL) if "cd " + HOME in block
    )
    [cron] = re.findall(rf"^15 6 \* \* \*  ({PROGRAM} .+)$", operations, re.MULTILINE)
    home, program = tmp_path / "home", tmp_path / "costmill"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline.cli "$@"\n')
    program.chmod(0o755)
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": os.fspath(Path(__file__).parents[1])}

    def shell(lines: str) -> str:
        own = lines.replace(PROGRAM, str(program)).replace(HOME, str(home))
        return run(["/bin/sh", "-e", "-c", own], cwd=tmp_path, env=bare)

    shell(begin)
    config = home / "costmill.yaml"
    text = config.read_text(encoding="utf-8").replace("exports/aws/**", "exports")
    config.write_text(f"as_of: 2026-03-22\n{text}", encoding="utf-8")
    write_bill(home / "exports" / "march.csv")
    assert shell(first_night) == "reports/2026-03/report.html\n"
    assert shell(cron) == ""
    query = "SELECT count(*) FROM focus_data_table"
    assert ask(home / "published" / "costs.duckdb", query) == [(21,)]
