"""Makes a bare machine ready: Debian packages, Python packages, front-end packages.

Run by make before anything is installed (`python3 -I jinzhi/runtime/prepare.py runtime|dev`), so it uses
the standard library only. Quick when there is nothing to do.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / "var" / "log" / "prepare.log"
OLDEST_PYTHON = (3, 11)
LOCKS = {"runtime": ("base.lock", "build.lock"), "dev": ("dev.lock", "build.lock")}


class Failed(Exception):
    """What is wrong and what to do, for a person."""


def say(line: str) -> None:
    print(f"  · {line}", flush=True)


def run(command: list[object], **options) -> None:
    """Run quietly; what it printed is in the log, its end in the message of a failure."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    words = [str(part) for part in command]
    answer = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    with LOG.open("a") as log:
        log.write(f"$ {' '.join(words)}\n{answer.stdout}\n")
    if answer.returncode:
        tail = "\n".join(answer.stdout.strip().splitlines()[-12:])
        raise Failed(f"命令失败：{' '.join(words)}\n{tail}\n  完整输出：{LOG}")


# -- Debian packages


def has_postgresql() -> bool:
    if os.environ.get("DATABASE_URL") or os.environ.get("JINZHI_PG_BIN") or shutil.which("initdb"):
        return True
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def has_chinese_font() -> bool:
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    return any(next(folder.rglob("*CJK*"), None) for folder in folders if folder.is_dir())


def has_venv() -> bool:
    return PYTHON.exists() or importlib.util.find_spec("ensurepip") is not None


def missing_packages(level: str) -> dict[str, bool]:
    """Debian packages to install -> whether nothing works without them."""
    wanted = {}
    if not has_venv():
        wanted["python3-venv"] = True
    if not has_postgresql():
        wanted["postgresql"] = True
    if not shutil.which("npm"):
        wanted |= {"nodejs": True, "npm": True}
    if not has_chinese_font():
        wanted["fonts-noto-cjk"] = False
    if level == "dev" and not (shutil.which("chromium") or shutil.which("chromium-browser")):
        wanted["chromium"] = False
    if level == "dev" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        wanted["default-jre-headless"] = False  # Spark, which one test runs
    return wanted


def install_packages(level: str) -> None:
    wanted = missing_packages(level)
    if not wanted:
        return
    names = " ".join(wanted)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        say(f"缺少系统软件：{names}")
        if any(wanted.values()):
            raise Failed(f"请先安装：sudo apt-get install {names}")
        return
    say(f"安装系统软件：{names}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]
    run(["apt-get", "update", "--quiet"], env=environment)
    if "postgresql" in wanted:  # no cluster of Debian's own: ours is kept in var/
        run([*install, "postgresql-common"], env=environment)
        configuration = Path("/etc/postgresql-common/createcluster.conf")
        kept = [
            line
            for line in configuration.read_text().splitlines()
            if not line.startswith("create_main_cluster")
        ]
        configuration.write_text("\n".join([*kept, "create_main_cluster = false", ""]))
    run([*install, *wanted], env=environment)


# -- Python and front-end packages


def mark(*files: Path) -> str:
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def python_mark(level: str) -> str:
    return mark(ROOT / "pyproject.toml", *(ROOT / "requirements" / name for name in LOCKS[level]))


def is_stamped(stamp: Path, value: str) -> bool:
    return stamp.exists() and stamp.read_text() == value


def python_ready(level: str) -> bool:
    """A development environment serves as a runtime one."""
    levels = ("runtime", "dev") if level == "runtime" else ("dev",)
    return PYTHON.exists() and any(
        is_stamped(VENV / f".prepared-{name}", python_mark(name)) for name in levels
    )


def works(python: Path) -> bool:
    question = f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return python.exists() and subprocess.run([python, "-c", question], capture_output=True).returncode == 0


def install_python(level: str) -> None:
    say("安装 Python 软件包" + ("（含测试工具）" if level == "dev" else ""))
    if not works(PYTHON):
        run([sys.executable, "-m", "venv", "--clear", VENV])
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode:
            run([PYTHON, "-m", "ensurepip"])
        run(
            [
                PYTHON,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "-r",
                ROOT / "requirements/build.lock",
            ]
        )
    environment = os.environ | {"VIRTUAL_ENV": str(VENV)}
    locks = [ROOT / "requirements" / name for name in LOCKS[level]]
    run([uv, "pip", "sync", "--quiet", "--require-hashes", *locks], env=environment)
    run([uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT], env=environment)
    for name in LOCKS:
        (VENV / f".prepared-{name}").unlink(missing_ok=True)
    (VENV / f".prepared-{level}").write_text(python_mark(level))


def install_front_end(level: str) -> None:
    stamps = [ROOT / "node_modules" / f".prepared-{name}" for name in ("dev", level)]
    value = mark(ROOT / "package.json", ROOT / "package-lock.json")
    if any(is_stamped(stamp, value) for stamp in stamps):
        return
    say("安装页面组件")
    omit = ["--omit=dev"] if level == "runtime" else []
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", *omit], cwd=ROOT)
    stamps[-1].write_text(value)


def prepare(level: str) -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise Failed(f"需要 Python {'.'.join(map(str, OLDEST_PYTHON))} 以上，这是 {sys.version.split()[0]}。")
    install_packages(level)
    if not python_ready(level):
        install_python(level)
    install_front_end(level)


def main() -> int:
    level = sys.argv[1] if len(sys.argv) > 1 else "runtime"
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (ROOT / "var" / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            prepare(level)
        except Failed as failure:
            print(f"✗ {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
