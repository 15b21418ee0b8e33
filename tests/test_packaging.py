"""The project as others get it: a clean checkout, an sdist, a wheel in an environment that knows nothing of us."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from tests import soak

# Written apart, so that this file does not hold what it looks for.
FOREIGN_NAMES = {
    "a package host": ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "debian" + ".org"],
    "a path of one machine": ["/" + "work/", "/" + "root/", "/opt/" + "pypi", "/opt/" + "wheels", ".py" + "env/"],
}


def run(command: list[str | Path], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return its stdout; a failure shows everything it said."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def foreign_environment(**extra: str) -> dict[str, str]:
    """The caller's environment without what could lend the checkout's code, settings or coverage to a process."""
    lent = ("PYTHON", "COVERAGE_", "COSTMILL_", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(lent)} | extra


def checkout_files(root: Path, *folders: str) -> list[str]:
    """The files that are in git or about to be (not ignored), as paths from the root."""
    if not (root / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders], cwd=root)
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


@pytest.fixture(scope="module")
def built(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", out, project_root], cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("costmill-*.whl"))


@pytest.fixture
def company(project_root: Path, tmp_path: Path) -> Path:
    """A copy of the sample company's files as they are in git, outside the checkout."""
    for name in checkout_files(project_root, "sample_data"):
        target = tmp_path / "company" / Path(name).relative_to("sample_data")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project_root / name, target)
    return tmp_path / "company"


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def run_the_night(costmill: list[str | Path], company: Path, cwd: Path, env: dict[str, str]) -> list[str]:
    """Run the demo and return the suffixes of its reports; the published copy must be there."""
    config = company / "costmill.yaml"
    done = subprocess.run(
        [*costmill, "run", "--config", config], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    # Below 64: fine, or a breached budget, which is part of the sample's story.
    assert done.returncode < 64, done.stderr
    assert "Traceback" not in done.stderr
    keys = yaml.safe_load(config.read_text(encoding="utf-8"))
    published = company / keys.get("publish", {}).get("path", "published/costs.duckdb")
    assert published.exists(), done.stderr
    reports = company / keys.get("reports", {}).get("out", "out")
    return sorted({path.suffix for path in reports.rglob("*") if path.is_file()})


def test_wheel_holds_every_query_and_template_of_the_checkout(project_root: Path, wheel: Path) -> None:
    inside = "pipeline/_resources/"
    names = [name.removeprefix(inside) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(inside)]
    assert sorted(names) == checkout_files(project_root, "sql", "reports")


def test_wheel_holds_every_module_and_nothing_but_the_package(project_root: Path, wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    modules = [name for name in names if not name.startswith("pipeline/_resources/")]
    assert sorted(modules) == checkout_files(project_root, "pipeline")


def test_sdist_holds_every_file_of_the_checkout(project_root: Path, built: Path) -> None:
    with tarfile.open(next(built.glob("costmill-*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    # hatchling keeps git's own files out, but for the one that says what is ignored.
    left_out = {name for name in checkout_files(project_root) if Path(name).name.startswith(".git")}
    assert sorted(set(checkout_files(project_root)) - left_out - names) == []


def test_a_night_runs_from_the_unpacked_wheel_in_an_empty_folder(
    wheel: Path, company: Path, empty_folder: Path
) -> None:
    config = company / "costmill.yaml"
    keys = yaml.safe_load(config.read_text(encoding="utf-8"))
    one = [source for source in keys["sources"] if source["name"] == "azure-focus"]
    one[0]["path"] = "azure/focus/*/20260301-20260331/**"
    config.write_text(yaml.safe_dump(keys | {"sources": one}))  # all of it runs in the environment below
    site = empty_folder.with_name("site")
    zipfile.ZipFile(wheel).extractall(site)
    env = foreign_environment(PYTHONPATH=str(site))
    where = run([sys.executable, "-c", "import pipeline; print(pipeline.__file__)"], cwd=empty_folder, env=env)
    assert Path(where.strip()).is_relative_to(site)
    costmill: list[str | Path] = [sys.executable, "-c", "import sys; from pipeline.cli import main; sys.exit(main())"]
    assert run_the_night(costmill, company, empty_folder, env) == [".html", ".md"]
    assert list(empty_folder.iterdir()) == []


@soak.long
@pytest.mark.heavy
def test_demo_runs_from_the_wheel_in_an_empty_environment(
    project_root: Path, wheel: Path, company: Path, empty_folder: Path
) -> None:
    env = foreign_environment()
    home = empty_folder.with_name("venv")
    venv.create(home, with_pip=True)
    pip: list[str | Path] = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input"]
    lock = project_root / "requirements" / "runtime.txt"
    run([*pip, "--require-hashes", "-r", lock], cwd=empty_folder, env=env)
    run([*pip, "--no-deps", wheel], cwd=empty_folder, env=env)
    run([home / "bin" / "python", "-m", "pip", "check"], cwd=empty_folder, env=env)
    assert run_the_night([home / "bin" / "costmill"], company, empty_folder, env) == [".html", ".md"]


@pytest.mark.parametrize("what", FOREIGN_NAMES)
def test_no_file_of_the_checkout_names(what: str, project_root: Path) -> None:
    # Only where a name begins: the middle of a longer word or path is somebody else's.
    wanted = re.compile(rb"(?<![\w-])(?:" + b"|".join(re.escape(name).encode() for name in FOREIGN_NAMES[what]) + rb")")
    found = [name for name in checkout_files(project_root) if wanted.search((project_root / name).read_bytes())]
    assert found == []


@pytest.mark.parametrize("lock", ["runtime.txt", "build.txt", "dev.txt", "airflow.txt"])
def test_lock_pins_every_package_with_its_hashes(lock: str, project_root: Path) -> None:
    text = (project_root / "requirements" / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_locks_agree_on_every_version(project_root: Path) -> None:
    def pins(lock: str) -> set[str]:
        return set(
            re.findall(r"^[\w.-]+==\S+", (project_root / "requirements" / lock).read_text("utf-8"), re.MULTILINE)
        )

    assert pins("runtime.txt") | pins("build.txt") <= pins("dev.txt")
    assert pins("runtime.txt") <= pins("airflow.txt")
