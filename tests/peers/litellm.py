"""The LiteLLM proxy at work in a room, with our fake server over TLS behind it.

LiteLLM 1.106 refuses a ws:// upstream (it closes with 1011), hence TLS; and it does not start without a
master key. Nothing is asked of the internet: prices come from the package.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.peers.conftest import KEY, Fake
from tests.peers.environment import folder_of, program
from tests.peers.room import Room

MODEL = "gpt-6-astra"
_ENTRY = """\
  - model_name: {model}
    litellm_params:
      model: {provider}/{model}
      api_base: {api_base}
      api_key: {key}
"""
_PORT = 4006  # free, because a room has all ports of its own


class LiteLLM:
    """One proxy that answers; every model has an upstream of its own."""

    def __init__(
        self,
        room: Room,
        environment: str,
        upstreams: Mapping[str, Fake],
        home: Path,
        *,
        provider: str = "openai",
    ) -> None:
        self.key = f"sk-{secrets.token_hex(24)}"  #: LiteLLM refuses to start with one that could be guessed
        self.base_url = f"http://127.0.0.1:{_PORT}/v1"
        config = home / f"{environment}.yaml"
        entries = [
            _ENTRY.format(provider=provider, model=model, api_base=upstream.base_url, key=KEY)
            for model, upstream in upstreams.items()
        ]
        config.write_text("model_list:\n" + "".join(entries), "utf-8")
        self._running = room.start(
            [
                program(environment, "litellm"),
                "--config",
                config,
                "--host",
                "127.0.0.1",
                "--port",
                str(_PORT),
            ],
            environ={
                "HOME": str(home),
                "PATH": f"{folder_of(environment) / 'bin'}:/usr/bin:/bin",
                "LITELLM_MASTER_KEY": self.key,
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "SSL_VERIFY": "False",  # the fake server's certificate is its own
            },
            folder=home,
        )
        self._running.line_that(lambda line: "Uvicorn running on" in line, stream="stderr", seconds=90)

    def stop(self) -> None:
        """End it."""
        self._running.stop()
