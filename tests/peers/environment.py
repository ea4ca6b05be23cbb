"""The environments of the foreign programs: each in a folder of its own, made by name with pip, npm or apt.

    python tests/peers/environment.py openai        makes one, or says that it is there; prints the seconds
    python tests/peers/environment.py --list        what can be made, and what is there

One rule: a foreign program never stands beside turnscope. Folders go to `$TURNSCOPE_PEERS`, or to
`turnscope/peers` in the user's cache. Standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Environment(NamedTuple):
    """What one environment holds; a change of its requirements makes it anew."""

    name: str
    installer: str  #: "pip", "npm" or "apt", which installs for the whole machine and needs root
    requirements: tuple[str, ...]
    holds: str  #: one clause for people


#: Ranges where a conversation must go on working with what people install today; exact versions where one
#: version's behaviour is the subject.
ENVIRONMENTS: Mapping[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment(
            "openai",
            "pip",
            ("openai>=3.52,<4", "websockets>=15"),
            "openai-python, whose responses.connect() speaks WebSocket",
        ),
        Environment(
            "agents", "pip", ("openai-agents>=0.24,<1", "websockets>=15"), "openai-agents over WebSocket"
        ),
        Environment("websockets", "pip", ("websockets>=15",), "the plain websockets client"),
        Environment(
            "litellm", "pip", ("litellm[proxy]==1.106.2",), "the LiteLLM proxy, which reads the first frame"
        ),
        Environment(
            "litellm-1.83",
            "pip",
            ("litellm[proxy]==1.83.0",),
            "the LiteLLM proxy that wants ?model= and answers 403 without it",
        ),
        Environment(
            "node",
            "npm",
            ("node@22", "openai@7", "ws@8", "wscat@6"),
            "Node 22 with openai's ResponsesWS, and wscat",
        ),
        Environment(
            "pydantic-ai",
            "pip",
            ("pydantic-ai-slim[openai]>=2.68,<3", "websockets>=15"),
            "pydantic-ai, which chains by itself and overflows to HTTP",
        ),
        Environment(
            "mitmproxy", "pip", ("mitmproxy>=11",), "mitmdump, against which the tap's cost is measured"
        ),
        Environment("opencode", "npm", ("opencode-ai@1.18",), "opencode, which never falls back to HTTP"),
        Environment(
            "debian",
            "apt",
            ("nginx-light", "haproxy", "tinyproxy", "squid"),
            "nginx, haproxy, tinyproxy and squid as hops",
        ),
        Environment(
            "ccproxy",
            "pip",
            ("ccproxy-api==0.2.10",),
            "ccproxy-api, whose bypass mode answers without an upstream, and wrongly",
        ),
        Environment("codex", "npm", ("@openai/codex@0.169",), "the Codex CLI, which prewarms and compresses"),
    )
}

_RECEIPT = "turnscope-peer.json"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where environments are kept: `$TURNSCOPE_PEERS`, or `turnscope/peers` in the user's cache."""
    chosen = environ.get("TURNSCOPE_PEERS")
    if chosen:
        return Path(chosen).expanduser().absolute()  # programs are started from other folders
    cache = environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "turnscope" / "peers"


def folder_of(name: str) -> Path:
    """The folder of an environment, whether it is there or not."""
    return cache_folder() / name


def is_ready(name: str) -> bool:
    """Whether the environment was made completely, with the requirements of today."""
    try:
        receipt = json.loads((folder_of(name) / _RECEIPT).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(receipt.get("requirements") == list(ENVIRONMENTS[name].requirements))


def how_to_make(name: str) -> str:
    """The command that makes the environment, for a skipped test's reason."""
    return f"python tests/peers/environment.py {name}"


def program(name: str, executable: str) -> Path:
    """The path of a program inside an environment."""
    if ENVIRONMENTS[name].installer == "apt":
        return Path(shutil.which(executable, path="/usr/sbin:/usr/bin:/sbin:/bin") or executable)
    inside = "node_modules/.bin" if ENVIRONMENTS[name].installer == "npm" else "bin"
    return folder_of(name) / inside / executable


def make(name: str) -> float:
    """Make the environment from nothing and return the seconds it took.

    Raises RuntimeError with the installer's last words when it fails; nothing half-made counts as ready.
    """
    environment = ENVIRONMENTS[name]
    folder = folder_of(name)
    began = time.monotonic()
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _INSTALLERS[environment.installer](folder, environment.requirements)
    seconds = time.monotonic() - began
    receipt = {"requirements": list(environment.requirements), "seconds": round(seconds, 1)}
    (folder / _RECEIPT).write_text(json.dumps(receipt) + "\n", "utf-8")
    return seconds


def _install_with_pip(folder: Path, requirements: Sequence[str]) -> None:
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "install", *requirements])


def _install_with_npm(folder: Path, requirements: Sequence[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not on the PATH: install Node.js first")
    _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *requirements])


def _install_with_apt(folder: Path, requirements: Sequence[str]) -> None:
    """The folder holds the receipt only; no service is started, as far as the system has none."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise RuntimeError(f"as root, on Debian: apt-get install {' '.join(requirements)}")
    _run([apt, "-qq", "update"])
    _run([apt, "-qq", "install", "--yes", "--no-install-recommends", *requirements])


_INSTALLERS: Mapping[str, Callable[[Path, Sequence[str]], None]] = {
    "pip": _install_with_pip,
    "npm": _install_with_npm,
    "apt": _install_with_apt,
}


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last_words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise RuntimeError(f"{command[0]} failed with {done.returncode}:\n{last_words}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the named environments one after the other; 0 when all are there, 1 when one failed."""
    parser = argparse.ArgumentParser(
        prog="python tests/peers/environment.py",
        description="Make the environments of the foreign programs that tests/peers talks to.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="one of: " + ", ".join(ENVIRONMENTS))
    parser.add_argument("--list", action="store_true", help="say what can be made and what is there")
    parser.add_argument("--again", action="store_true", help="make it anew even if it is there")
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in ENVIRONMENTS:
            parser.error(f"no environment is called {name!r}; there are: {', '.join(ENVIRONMENTS)}")
    if chosen.list or not chosen.names:
        for environment in ENVIRONMENTS.values():
            state = "ready" if is_ready(environment.name) else "not made"
            sys.stdout.write(f"{environment.name:14} {state:9} {environment.holds}\n")
        return 0
    for name in chosen.names:
        if is_ready(name) and not chosen.again:
            sys.stdout.write(f"{name}: ready already, {folder_of(name)}\n")
            continue
        try:
            seconds = make(name)
        except RuntimeError as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        sys.stdout.write(f"{name}: made in {seconds:.1f} s, {folder_of(name)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
