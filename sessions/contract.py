"""What the Responses API promises over WebSocket: types, moves, limits, close codes, failure classes.

Every fact stands beside its source. Tags: [SDK] openai-python 3.52.0 types, [WSG] the WebSocket mode
guide, [STEER] the steering guide, [CODEX] openai/codex, [XAI], [VERCEL], [AZURE] the vendors' pages,
[RFC] RFC 6455, [SEEN] captured on the wire. All read on 2026-11-20.
This module holds facts only: it decides nothing and imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Status(StrEnum):
    """Where a response stands; the first is ours, the last two are endings nobody sends."""

    SENT = "sent"  #: the create has left, nothing came back yet
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ERRORED = "errored"  #: ended by an ``error`` frame
    CUT = "cut"  #: the socket ended first

    @property
    def is_over(self) -> bool:
        """Whether no further event is expected."""
        return self in OVER


OVER = frozenset(
    {Status.COMPLETED, Status.INCOMPLETE, Status.FAILED, Status.CANCELLED, Status.ERRORED, Status.CUT}
)


class Family(StrEnum):
    """What an event type does to the state."""

    LIFECYCLE = "lifecycle"
    TERMINAL = "terminal"
    ERROR = "error"
    ITEM = "item"
    PART = "part"
    DELTA = "delta"
    DONE = "done"
    ANNOTATION = "annotation"
    PROGRESS = "progress"  #: a hosted tool says how far it is
    IMAGE = "image"
    STEER = "steer"
    INJECT = "inject"
    LIMITS = "limits"
    VENDOR = "vendor"
    CLIENT = "client"
    UNKNOWN = "unknown"


class Fragment(NamedTuple):
    """Where the text of a delta or done event goes: the slot of an item, its index key, the body's field."""

    slot: str
    index_field: str  #: name of the body's index field, "" when the slot is single
    field: str


# Deltas are appended, done values replace [SDK]. Slots are shared by both.
DELTAS: Mapping[str, Fragment] = MappingProxyType(
    {
        "response.output_text.delta": Fragment("output_text", "content_index", "delta"),
        "response.refusal.delta": Fragment("refusal", "content_index", "delta"),
        "response.reasoning_text.delta": Fragment("reasoning_text", "content_index", "delta"),
        "response.reasoning_summary_text.delta": Fragment("summary_text", "summary_index", "delta"),
        "response.function_call_arguments.delta": Fragment("arguments", "", "delta"),
        "response.custom_tool_call_input.delta": Fragment("input", "", "delta"),
        "response.mcp_call_arguments.delta": Fragment("arguments", "", "delta"),
        "response.code_interpreter_call_code.delta": Fragment("code", "", "delta"),
        "response.shell_call_command.added": Fragment("command", "command_index", "command"),
        "response.shell_call_command.delta": Fragment("command", "command_index", "delta"),
        "response.shell_call_output_content.delta": Fragment("output", "command_index", "delta"),
        "response.audio.transcript.delta": Fragment("transcript", "", "delta"),
        "response.apply_patch_call_operation_diff.delta": Fragment("diff", "", "delta"),  # [SEEN]
    }
)
DONES: Mapping[str, Fragment] = MappingProxyType(
    {
        "response.output_text.done": Fragment("output_text", "content_index", "text"),
        "response.refusal.done": Fragment("refusal", "content_index", "refusal"),
        "response.reasoning_text.done": Fragment("reasoning_text", "content_index", "text"),
        "response.reasoning_summary_text.done": Fragment("summary_text", "summary_index", "text"),
        "response.function_call_arguments.done": Fragment("arguments", "", "arguments"),
        "response.custom_tool_call_input.done": Fragment("input", "", "input"),
        "response.mcp_call_arguments.done": Fragment("arguments", "", "arguments"),
        "response.code_interpreter_call_code.done": Fragment("code", "", "code"),
        "response.shell_call_command.done": Fragment("command", "command_index", "command"),
        "response.shell_call_output_content.done": Fragment("output", "command_index", "output"),
        "response.audio.transcript.done": Fragment("transcript", "", ""),
        "response.apply_patch_call_operation_diff.done": Fragment("diff", "", "diff"),  # [SEEN]
    }
)

LIFECYCLE = frozenset({"response.created", "response.queued", "response.in_progress"})
TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})

_LISTED: Mapping[Family, tuple[str, ...]] = {
    Family.LIFECYCLE: tuple(sorted(LIFECYCLE)),
    Family.TERMINAL: tuple(sorted(TERMINAL)),
    Family.ERROR: ("error",),
    Family.ITEM: ("response.output_item.added", "response.output_item.done"),
    Family.PART: (
        "response.content_part.added",
        "response.content_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
    ),
    Family.DELTA: (*(name for name in DELTAS if "apply_patch" not in name), "response.audio.delta"),
    Family.DONE: (*(name for name in DONES if "apply_patch" not in name), "response.audio.done"),
    Family.ANNOTATION: ("response.output_text.annotation.added",),
    Family.PROGRESS: (
        "response.web_search_call.in_progress",
        "response.web_search_call.searching",
        "response.web_search_call.completed",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
        "response.code_interpreter_call.in_progress",
        "response.code_interpreter_call.interpreting",
        "response.code_interpreter_call.completed",
        "response.image_generation_call.in_progress",
        "response.image_generation_call.generating",
        "response.image_generation_call.completed",
        "response.mcp_list_tools.in_progress",
        "response.mcp_list_tools.completed",
        "response.mcp_list_tools.failed",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "response.compaction.compacting",
    ),
    Family.IMAGE: ("response.image_generation_call.partial_image",),
    Family.STEER: ("response.steer.accepted", "response.steer.pending", "response.steer.failed"),
}

#: the 62 server event types of the official union [SDK]
LISTED: frozenset[str] = frozenset(name for names in _LISTED.values() for name in names)

_UNLISTED: Mapping[Family, tuple[str, ...]] = {
    Family.INJECT: ("response.inject.created", "response.inject.failed"),  # beta [SDK]
    Family.LIMITS: ("codex.rate_limits",),  # [CODEX]
    Family.VENDOR: (
        "keepalive",  # about every 30 s while a request is parked [SEEN]
        "response.metadata",
        "codex.response.metadata",
        "responsesapi.websocket_timing",
        "session.created",
        "ping",
    ),
    Family.DELTA: ("response.apply_patch_call_operation_diff.delta",),
    Family.DONE: ("response.apply_patch_call_operation_diff.done",),
}
_CLIENT = (
    "response.create",
    "response.steer",
    "response.inject",
    "response.append",  # Codex v1 [CODEX]
    "response.processed",  # some Codex builds; the server answers nothing [CODEX]
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        **{name: family for family, names in _LISTED.items() for name in names},
        **{name: family for family, names in _UNLISTED.items() for name in names},
        **{name: Family.CLIENT for name in _CLIENT},
    }
)


def family(event_type: str) -> Family:
    """The family of an event type; `Family.UNKNOWN` for one that is not in the tables."""
    return FAMILIES.get(event_type, Family.UNKNOWN)


# Legal moves -----------------------------------------------------------------------------------------
# A response moves by the type of the event that names it. `CONTENT` stands for every other event that
# belongs to a response (items, parts, deltas, progress). A pair that is not here is irregular: the state
# still follows what the event means (`MEANING`), and the change says so.

CONTENT = "content"

MOVES: Mapping[tuple[Status, str], Status] = MappingProxyType(
    {
        (Status.SENT, "response.created"): Status.IN_PROGRESS,
        (Status.SENT, "error"): Status.ERRORED,
        (Status.QUEUED, "response.in_progress"): Status.IN_PROGRESS,
        (Status.QUEUED, "response.failed"): Status.FAILED,
        (Status.QUEUED, "error"): Status.ERRORED,
        (Status.IN_PROGRESS, "response.queued"): Status.QUEUED,  # created says in_progress first [SDK]
        (Status.IN_PROGRESS, "response.in_progress"): Status.IN_PROGRESS,
        (Status.IN_PROGRESS, CONTENT): Status.IN_PROGRESS,
        (Status.IN_PROGRESS, "response.completed"): Status.COMPLETED,
        (Status.IN_PROGRESS, "response.incomplete"): Status.INCOMPLETE,
        (Status.IN_PROGRESS, "response.failed"): Status.FAILED,
        (Status.IN_PROGRESS, "error"): Status.ERRORED,
        (Status.ERRORED, "response.failed"): Status.FAILED,  # the late one after an error [SEEN]
    }
)

#: what an event means for a response's status, legal or not
MEANING: Mapping[str, Status] = MappingProxyType(
    {
        "response.created": Status.IN_PROGRESS,
        "response.queued": Status.QUEUED,
        "response.in_progress": Status.IN_PROGRESS,
        "response.completed": Status.COMPLETED,
        "response.incomplete": Status.INCOMPLETE,
        "response.failed": Status.FAILED,
        "error": Status.ERRORED,
        CONTENT: Status.IN_PROGRESS,
    }
)

# Limits ----------------------------------------------------------------------------------------------

LIFETIME_SECONDS = 3600  # [WSG] [AZURE]; 1500 at xAI [XAI]; about 780 at Vercel [VERCEL]
MAX_IN_FLIGHT = 16  # responses per connection, further creates queue [WSG]
MAX_LANES = 32  # distinct named lanes per connection, beside the default one [WSG]
LANE_PATTERN = r"[A-Za-z0-9_.-]{1,256}"  # [SDK]
METADATA_PAIRS, METADATA_KEY, METADATA_VALUE = 16, 64, 512  # [SDK]
CODEX_FRAME_BYTES = 16_777_216  # the Codex back end closes above it [SEEN]

POLICY_SECONDS = 1.0  # a 1008 sooner than this, before any message, is a refusal [CODEX] probes for it

#: codes of `error` frames that this mode documents [WSG]
PARENT_NOT_FOUND = "previous_response_not_found"
INVALID_LANE = "invalid_stream_id"
LANE_LIMIT = "websocket_stream_limit_reached"
AGE_LIMIT = "websocket_connection_limit_reached"

#: codes of a `response.failed` that are documented [SDK], and those that the provider is seen to send [SEEN]
FAILURE_CODES = frozenset({
    "server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy",
    "misalignment_policy_violation", "vector_store_timeout", "invalid_image", "invalid_image_format",
    "invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error",
    "image_content_policy_violation", "invalid_image_mode", "image_file_too_large",
    "unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found",
    "server_is_overloaded", "slow_down", "context_length_exceeded", "insufficient_quota",
    "usage_not_included", "usage_limit_reached", "cyber_policy", PARENT_NOT_FOUND, AGE_LIMIT,
})  # fmt: skip

#: call items that a client answers, with the item type of the answer [SDK]
ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        "function_call": "function_call_output",
        "custom_tool_call": "custom_tool_call_output",
        "computer_call": "computer_call_output",
        "shell_call": "shell_call_output",
        "local_shell_call": "local_shell_call_output",
        "apply_patch_call": "apply_patch_call_output",
        "tool_search_call": "tool_search_output",
        "mcp_approval_request": "mcp_approval_response",
    }
)

#: meaning of a close code in plain words [RFC] and, for 4402, [VERCEL]
CLOSE_CODES: Mapping[int, str] = MappingProxyType(
    {
        1000: "normal end",
        1001: "going away: the server stops, or an idle or age limit passed",
        1002: "protocol error: a frame broke the rules of RFC 6455",
        1003: "unsupported data: this kind of message is not accepted",
        1005: "closed without saying why",
        1006: "no close frame: the connection was lost",
        1007: "invalid data: a text frame was not UTF-8",
        1008: "policy: the server refuses this client, key, model or first frame",
        1009: "message too big",
        1010: "the server did not agree to an extension",
        1011: "server or upstream error",
        1012: "service restart",
        1013: "try again later: the server is busy",
        1014: "bad gateway: the upstream of a proxy failed",
        1015: "TLS failed",
        4402: "out of credits (Vercel AI Gateway)",
    }
)


def close_meaning(code: int) -> str:
    """What a close code says, in plain words; never empty."""
    if known := CLOSE_CODES.get(code):
        return known
    if 3000 <= code <= 3999:
        return "a registered code of a library or framework"
    if 4000 <= code <= 4999:
        return "a private code of this server"
    return "not a code of RFC 6455"


# Failures of an opening --------------------------------------------------------------------------------


class FailureClass(StrEnum):
    """Why an opening or a session failed; the same words on every face and in every script."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    PROXY_CONNECT = "proxy_connect"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UPGRADE_REQUIRED = "upgrade_required"
    THROTTLED = "throttled"
    HTTP_STATUS = "http_status"
    UPGRADE_SILENT = "upgrade_silent"
    POLICY_CLOSE = "policy_close"
    APP_SILENT = "app_silent"
    PROTOCOL = "protocol"
    CLOSED = "closed"


#: cause and remedy of each class, for people; the evidence stands in the record
FAILURES: Mapping[FailureClass, tuple[str, str]] = MappingProxyType(
    {
        FailureClass.DNS: (
            "The host's name has no address here.",
            "Check the spelling of the base URL, your resolver, or pass --via when only a proxy resolves it.",
        ),
        FailureClass.TCP: (
            "Nothing accepted the connection on that host and port.",
            "Check that the server runs and listens there; a firewall or a proxy may be needed (--via).",
        ),
        FailureClass.TLS: (
            "The TLS handshake failed.",
            "If a company proxy intercepts TLS add its CA with --ca; if the port speaks plain HTTP use http://.",
        ),
        FailureClass.PROXY_CONNECT: (
            "The way to the API goes through an outbound proxy, and that way could not be opened.",
            "Check the proxy's address and login, or leave it out with --no-proxy.",
        ),
        FailureClass.UNAUTHORIZED: (
            "The server does not accept this key, or none was sent.",
            "Set the key's environment variable (see `turnscope info`) or name another with --api-key-env.",
        ),
        FailureClass.FORBIDDEN: (
            "The server refused the upgrade without looking at a frame.",
            "Read the body; a bare 403 often means no WebSocket route, or a proxy that wants ?model=.",
        ),
        FailureClass.NOT_FOUND: (
            "There is no WebSocket route at this path.",
            "Check that the base URL ends in /v1; the server may serve Responses over HTTP only.",
        ),
        FailureClass.UPGRADE_REQUIRED: (
            "The server says on purpose that it speaks HTTP only here.",
            "Use HTTP for this server, or enable its WebSocket front end.",
        ),
        FailureClass.THROTTLED: (
            "The server asks to slow down.",
            "Wait as long as Retry-After says; reuse a socket instead of opening new ones.",
        ),
        FailureClass.HTTP_STATUS: (
            "The server answered as plain HTTP instead of switching protocols.",
            "Read status and body; behind nginx, Upgrade and Connection must be forwarded over HTTP/1.1.",
        ),
        FailureClass.UPGRADE_SILENT: (
            "The connection stands but nobody answered the upgrade.",
            "A firewall or a middle box may drop upgrades; try another route (--via, --no-proxy).",
        ),
        FailureClass.POLICY_CLOSE: (
            "The upgrade was accepted and then closed at once by policy (1008).",
            "Check entitlement and path; try without extra headers.",
        ),
        FailureClass.APP_SILENT: (
            "The socket is alive but the application sends nothing.",
            "If a proxy stands between, look in its log for an upstream error.",
        ),
        FailureClass.PROTOCOL: (
            "The other side broke the WebSocket or HTTP protocol.",
            "Look at the raw head in the record; a port of another service is the usual cause.",
        ),
        FailureClass.CLOSED: ("The connection ended.", "Open a new socket."),
    }
)
