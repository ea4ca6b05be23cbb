"""The Codex CLI as the tests start it: settings in a folder of its own, a key that opens nothing.

It leaves a server of its own running in the background; a room takes that along when it ends.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.peers.conftest import KEY
from tests.peers.environment import program

#: Codex knows it and sends it tools in an input item of their own
MODEL = "gpt-6-astra"
#: Codex does not know it, and sends its tools as the API's reference has them
PLAIN_MODEL = "lab-1"

_CONFIG = """\
model = "{model}"
model_provider = "lab"
[model_providers.lab]
name = "lab"
base_url = "{base_url}"
wire_api = "responses"
env_key = "LAB_KEY"
supports_websockets = true
[projects."{home}"]
trust_level = "trusted"
"""


def configure(home: Path, base_url: str, model: str = MODEL) -> dict[str, str]:
    """Write its settings; the environment that it is to be started with."""
    (home / "config.toml").write_text(_CONFIG.format(base_url=base_url, model=model, home=home))
    return {"HOME": str(home), "CODEX_HOME": str(home), "LAB_KEY": KEY}


def exec_command(*words: str) -> Sequence[str | Path]:
    """The command line of one run without a screen."""
    return [program("codex", "codex"), "exec", "--skip-git-repo-check", "--json", *words]


def answer_in(stdout: str) -> str:
    """The agent's last message of such a run."""
    events = [json.loads(line) for line in stdout.splitlines()]
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    text: str = next(item["text"] for item in reversed(items) if item["type"] == "agent_message")
    return text
