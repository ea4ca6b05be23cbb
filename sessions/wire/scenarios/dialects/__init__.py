"""Other servers' spellings of the same protocol: the table of dialects, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.wire.scenarios.dialects import (
    codex,
    flat_error,
    litellm,
    llm_interactive_proxy,
    localai,
    nested,
    vercel,
    xai,
)
from sessions.wire.scenarios.dialects.openai import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            Dialect(),
            codex.Codex(),
            xai.Xai(),
            vercel.Vercel(),
            llm_interactive_proxy.LlmInteractiveProxy(),
            litellm.LiteLlm(),
            localai.LocalAi(),
            nested.Nested(),
            flat_error.FlatError(),
        )
    }
)
