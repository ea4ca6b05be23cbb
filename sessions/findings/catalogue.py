"""Every finding there is: its id, how bad it is, who can mend it, its title and what to do.

One row an id. The ids are stable, because scripts and issues quote them; wording may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from sessions.finding import Severity


class Who(StrEnum):
    """Who can mend it."""

    CLIENT = "client"
    PROXY = "proxy"
    NETWORK = "network"
    PROVIDER = "provider"
    NOBODY = "nobody"


class Entry(NamedTuple):
    """What is always the same about a finding."""

    severity: Severity
    who: Who
    title: str
    remedy: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_CLIENT, _PROXY, _NET, _HOST, _NOBODY = Who.CLIENT, Who.PROXY, Who.NETWORK, Who.PROVIDER, Who.NOBODY

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        # -- the opening
        "name-unknown": Entry(
            _E,
            _NET,
            "the host's name has no address here",
            "Check the base URL's spelling and the resolver.",
        ),
        "port-closed": Entry(
            _E,
            _NET,
            "nothing accepted the connection",
            "Start the server, or check host, port and firewall.",
        ),
        "tls-failed": Entry(
            _E,
            _NET,
            "the TLS handshake failed",
            "Add the CA of whoever intercepts TLS (--ca), or use http:// where the port is plain.",
        ),
        "proxy-failed": Entry(
            _E,
            _PROXY,
            "the outbound proxy refused or failed, not the API",
            "Check the proxy's address and login, or leave it out for this host (NO_PROXY).",
        ),
        "key-refused": Entry(
            _E,
            _CLIENT,
            "the upgrade was refused for want of a valid key (401)",
            "Send the key as Authorization: Bearer with the upgrade; if it works over HTTP, the "
            "proxy's WebSocket route checks it otherwise.",
        ),
        "upgrade-forbidden": Entry(
            _E,
            _PROXY,
            "the upgrade was refused (403)",
            "A bare 403 mostly means that no WebSocket route exists; a body with a code is a policy. "
            "Enable the route, or change the policy.",
        ),
        "model-wanted-in-url": Entry(
            _E,
            _PROXY,
            "the upgrade works only with ?model= in the URL",
            "The model belongs into the first frame. Upgrade the proxy (LiteLLM from 1.89.0); until "
            "then add ?model=.",
        ),
        "no-websocket-route": Entry(
            _E,
            _PROXY,
            "there is no WebSocket route at this path (404 or 405)",
            "Check the path, enable the WebSocket front end; a uvicorn without a WebSocket library "
            "answers the same.",
        ),
        "websocket-off": Entry(
            _N,
            _NOBODY,
            "the server says that it speaks HTTP only here (426)",
            "Not a fault: use HTTP for this server, or switch its WebSocket front end on.",
        ),
        "throttled": Entry(
            _E,
            _CLIENT,
            "the upgrade was refused because of too many (429)",
            "Wait as long as Retry-After says; keep one socket instead of opening new ones.",
        ),
        "server-failing": Entry(
            _E,
            _PROXY,
            "the server answered the upgrade with an error of its own (5xx)",
            "Read the body and the proxy's log; a proxy that drains should answer 503 with Retry-After.",
        ),
        "answered-as-http": Entry(
            _E,
            _PROXY,
            "the upgrade was answered as a plain HTTP request",
            "Forward Upgrade and Connection over HTTP/1.1 (nginx: proxy_http_version 1.1), or use a "
            "server with WebSocket.",
        ),
        "upgrade-unanswered": Entry(
            _E,
            _NET,
            "nobody answered the upgrade, though the connection stands",
            "A firewall, VPN or middle box drops upgrades: try another route, or HTTP.",
        ),
        "upgrade-slow": Entry(
            _W,
            _PROXY,
            "the upgrade took longer than two seconds",
            "Look at what the proxy does before it answers (an upstream dial, a key check).",
        ),
        "not-http": Entry(
            _E,
            _NET,
            "what answered the upgrade is not HTTP",
            "Another service listens on this port, or TLS meets plain text.",
        ),
        "closed-by-policy": Entry(
            _E,
            _PROXY,
            "the upgrade was accepted and then closed by policy (1008)",
            "Check entitlement, path and headers; refuse with an HTTP status instead, so that clients"
            " see the cause.",
        ),
        # -- the end of a socket
        "closed-normally-in-answer": Entry(
            _E,
            _PROXY,
            "the socket was closed as normal (1000) in the middle of an answer",
            "Some clients take this for the end of the stream and lose the rest silently: send a "
            "terminal event, then close with 1011.",
        ),
        "server-went-away": Entry(
            _W,
            _PROXY,
            "the server went away (1001) in the middle of an answer",
            "Drain before a stop: let running responses end, refuse new sockets with 503.",
        ),
        "server-error-close": Entry(
            _E,
            _PROXY,
            "the server closed with an internal error (1011) in the middle of an answer",
            "Look in the proxy's log at this time; send an error frame or response.failed before closing.",
        ),
        "restart-close": Entry(
            _W,
            _PROXY,
            "the service restarted (1012) in the middle of an answer",
            "Drain before a restart; the client has to open a new socket and send the full history.",
        ),
        "busy-close": Entry(
            _W,
            _PROXY,
            "the server closed because it is busy (1013)",
            "Back off; the proxy's pool of upstream connections is empty.",
        ),
        "private-close": Entry(
            _E,
            _PROXY,
            "the socket was closed with a private code in the middle of an answer",
            "Only the server's own documentation explains this code; an error frame before it would.",
        ),
        "closed-in-answer": Entry(
            _E,
            _PROXY,
            "the socket was closed in the middle of an answer",
            "Send a terminal event or an error frame before closing.",
        ),
        "cut-in-answer": Entry(
            _E,
            _NET,
            "the connection ended without a close frame in the middle of an answer",
            "Compare with the direct way: idle limits of proxies, restarts and networks end TCP like this.",
        ),
        "too-big-close": Entry(
            _E,
            _PROXY,
            "a message was refused as too big (1009)",
            "Raise the frame limit, or send large turns over HTTP.",
        ),
        "idle-limit": Entry(
            _W,
            _PROXY,
            "the connection ended after a silence that is a usual idle limit",
            "Raise the read timeout of the hop that has it, or send pings more often than that.",
        ),
        "age-limit": Entry(
            _N,
            _NOBODY,
            "the connection reached its age limit",
            "Open a new socket before the limit; what was not stored is sent again in full.",
        ),
        "no-pong": Entry(
            _E,
            _NET,
            "pings were not answered",
            "The connection is half open: a NAT, VPN or sleep has cut it. Reconnect; keep pings on.",
        ),
        "close-unanswered": Entry(
            _W,
            _PROXY,
            "a close frame was never answered",
            "Answer a close frame with a close frame, then end TCP.",
        ),
        # -- frames
        "not-json": Entry(
            _E,
            _PROXY,
            "a text frame is not JSON",
            "Send one JSON object in each text frame and nothing else.",
        ),
        "not-an-object": Entry(
            _E,
            _PROXY,
            "a frame holds JSON that is no object",
            "Send one JSON object in each text frame.",
        ),
        "binary-frame": Entry(
            _E,
            _PROXY,
            "events come in binary frames",
            "Send text frames: Codex and the JavaScript SDK refuse or drop binary ones.",
        ),
        "invalid-utf8": Entry(
            _E,
            _PROXY,
            "a text frame is not UTF-8",
            "Do not cut text between bytes of a character; clients close with 1007.",
        ),
        "sse-prefix": Entry(
            _E,
            _PROXY,
            "frames carry event-stream text (data: …)",
            "Take the lines of the event stream apart and send the JSON only.",
        ),
        "done-marker": Entry(
            _E,
            _PROXY,
            "the end marker of an event stream ([DONE]) was relayed",
            "Leave it out: the terminal event is the end.",
        ),
        "big-frame": Entry(
            _W,
            _PROXY,
            "a message is larger than 1 MiB",
            "Clients with a default limit of 1 MiB end the connection: leave large values out of "
            "repeated objects.",
        ),
        "heavy-frame": Entry(
            _W,
            _PROXY,
            "a message is made of very many values",
            "Send fewer and flatter values: decoding it stops a client for a while.",
        ),
        "fragmented-message": Entry(
            _N,
            _NOBODY,
            "messages are split into several frames",
            "Legal; only some relays mishandle it.",
        ),
        "nested-deeply": Entry(
            _W,
            _PROXY,
            "a message is nested more deeply than parsers accept",
            "Flatten it: many JSON parsers give up or crash.",
        ),
        "lone-surrogate": Entry(
            _W,
            _PROXY,
            "a text holds half of a character",
            "Do not cut deltas inside a surrogate pair; strict clients cannot encode it.",
        ),
        # -- the event stream
        "sequence-missing": Entry(
            _W,
            _PROXY,
            "events have no sequence_number",
            "Pass sequence_number on: clients find lost events by it.",
        ),
        "sequence-gap": Entry(
            _E,
            _PROXY,
            "sequence_number jumps: events were dropped",
            "Relay every event, in order, once.",
        ),
        "sequence-regress": Entry(
            _E,
            _PROXY,
            "sequence_number goes back inside one response",
            "Events were replayed or mixed: never replay a turn under the same response.",
        ),
        "event-doubled": Entry(
            _E,
            _PROXY,
            "an event came twice",
            "Relay every event once.",
        ),
        "created-missing": Entry(
            _E,
            _PROXY,
            "a response began without response.created",
            "Send response.created first: clients learn the id from it.",
        ),
        "created-doubled": Entry(
            _E,
            _PROXY,
            "response.created came twice",
            "Send it once for each response.",
        ),
        "unasked-response": Entry(
            _E,
            _PROXY,
            "a response came that nobody asked for",
            "Stale events of an earlier turn, or of another client: drain before a new turn.",
        ),
        "stale-event": Entry(
            _E,
            _PROXY,
            "an event belongs to no response",
            "It is left over from an earlier turn: drain before a new turn.",
        ),
        "terminal-missing": Entry(
            _E,
            _PROXY,
            "a response never ended",
            "End every response with response.completed, response.incomplete or response.failed.",
        ),
        "terminal-doubled": Entry(
            _E,
            _PROXY,
            "a response ended twice",
            "Send one terminal event and nothing after it.",
        ),
        "terminal-renamed": Entry(
            _E,
            _PROXY,
            "the terminal event has another name (response.done)",
            "Name it response.completed, response.incomplete or response.failed: standard clients "
            "wait for ever.",
        ),
        "event-after-end": Entry(
            _E,
            _PROXY,
            "an event came after the response had ended",
            "It is read as part of the next turn: send nothing after the end.",
        ),
        "illegal-move": Entry(
            _W,
            _PROXY,
            "a response moved in a way the contract does not know",
            "Keep the order of the lifecycle events.",
        ),
        "delta-renamed": Entry(
            _E,
            _PROXY,
            "text deltas have another name or form",
            "Send response.output_text.delta with a string: standard clients show nothing otherwise.",
        ),
        "text-mismatch": Entry(
            _E,
            _PROXY,
            "a done value differs from what its deltas said",
            "Relay deltas and done values unchanged.",
        ),
        "final-mismatch": Entry(
            _E,
            _PROXY,
            "the final object differs from what was streamed",
            "Relay the final object as the provider made it.",
        ),
        "final-empty": Entry(
            _W,
            _PROXY,
            "the final object has no output, though items were streamed",
            "Put the finished items into output, or let clients know that they have to collect them.",
        ),
        "item-unannounced": Entry(
            _E,
            _PROXY,
            "an event speaks of an item that was never announced",
            "Send response.output_item.added before it.",
        ),
        "item-doubled": Entry(
            _E,
            _PROXY,
            "an item was announced or finished twice",
            "Send added and done once for each item.",
        ),
        "item-unfinished": Entry(
            _W,
            _PROXY,
            "an item was announced and never finished",
            "Send response.output_item.done for each item.",
        ),
        "id-changed": Entry(
            _E,
            _PROXY,
            "an id changed on the way",
            "Keep response and item ids the same in every event, or map all of them.",
        ),
        "id-repeated": Entry(
            _W,
            _HOST,
            "several responses have the same id",
            "A chain cannot be addressed by such an id: give each response its own.",
        ),
        "usage-missing": Entry(
            _W,
            _PROXY,
            "the terminal event has no usage",
            "Pass usage on: cost tracking reads 0.",
        ),
        "usage-renamed": Entry(
            _E,
            _PROXY,
            "usage has chat-completions names",
            "Name them input_tokens and output_tokens: clients read 0 otherwise.",
        ),
        "unknown-type": Entry(
            _W,
            _PROXY,
            "an event type that is in no documentation",
            "Harmless for tolerant clients; strict ones stop. Leave vendor events out, or document them.",
        ),
        "unknown-field": Entry(
            _N,
            _NOBODY,
            "events carry fields that are in no documentation",
            "Harmless for tolerant clients.",
        ),
        "app-keepalive": Entry(
            _W,
            _PROXY,
            "keepalives are sent as JSON events",
            "Use WebSocket pings: strict clients reject unknown events.",
        ),
        "burst": Entry(
            _W,
            _PROXY,
            "deltas are held back and come in one burst",
            "Switch buffering off: nobody sees the answer being written.",
        ),
        "delta-flood": Entry(
            _N,
            _NOBODY,
            "an answer came in very many tiny deltas",
            "Join deltas for clients that draw each of them.",
        ),
        "app-silent": Entry(
            _E,
            _PROXY,
            "a create was never answered",
            "The socket lives, the application is silent: look in the proxy's log for its upstream's error.",
        ),
        "long-silence": Entry(
            _W,
            _NOBODY,
            "nothing came for a long time in the middle of an answer",
            "Clients with an application watchdog (300 s) give up: raise it, or send progress.",
        ),
        "lane-not-echoed": Entry(
            _E,
            _PROXY,
            "events or errors do not name their lane",
            "Echo stream_id on every event, or refuse it.",
        ),
        "lanes-interleaved": Entry(
            _E,
            _PROXY,
            "two responses ran into each other without lanes",
            "Queue or refuse a second create while one runs.",
        ),
        # -- errors
        "turn-failed": Entry(
            _N,
            _NOBODY,
            "the server failed the turn",
            "Read code and message; that is between you and the provider.",
        ),
        "error-in-answer": Entry(
            _W,
            _PROXY,
            "an error frame ended a running answer",
            "End it with response.failed, so that clients know which response it was.",
        ),
        "failure-told-twice": Entry(
            _W,
            _PROXY,
            "one failure was told by an error and by response.failed",
            "Send one of them.",
        ),
        "error-untyped": Entry(
            _E,
            _PROXY,
            "an error frame has no type",
            'Give it "type": "error": clients ignore it otherwise.',
        ),
        "error-is-text": Entry(
            _E,
            _PROXY,
            "the error is a string, not an object",
            "Send an object with type, code, message and param.",
        ),
        "error-without-code": Entry(
            _W,
            _PROXY,
            "an error has no code",
            "Give it a code: clients decide by it whether to try again.",
        ),
        "error-without-status": Entry(
            _W,
            _PROXY,
            "an error frame has no status",
            "Give it status, the HTTP status that it stands for.",
        ),
        "error-status-renamed": Entry(
            _W,
            _PROXY,
            "an error says status_code instead of status",
            "Name it status.",
        ),
        "error-flat": Entry(
            _W,
            _PROXY,
            "an error frame is flat, as in an event stream",
            "Over WebSocket code and message stand under error.",
        ),
        "error-of-framework": Entry(
            _E,
            _PROXY,
            "an error of the proxy's framework came through (detail)",
            "Turn it into an error frame with type, code and message.",
        ),
        "limit-without-429": Entry(
            _W,
            _PROXY,
            "a rate limit is not told as 429",
            "Give it status 429 and the headers of the limit.",
        ),
        "internals-leak": Entry(
            _W,
            _PROXY,
            "a message shows internals: a path, an address or a trace",
            "Log such details, do not send them.",
        ),
        # -- chain
        "parent-lost": Entry(
            _W,
            _CLIENT,
            "the parent is not known to the server",
            "Send the full history without previous_response_id; an unstored response lives in its "
            "connection only.",
        ),
        "parent-of-other-socket": Entry(
            _W,
            _CLIENT,
            "the parent was made on another socket and not stored",
            "Send the full history after a reconnect, or store: true.",
        ),
        "parent-error-masked": Entry(
            _E,
            _PROXY,
            "an unknown parent is not told as previous_response_not_found",
            "Pass the code on: clients send the full history only on this one.",
        ),
        "parent-not-echoed": Entry(
            _E,
            _PROXY,
            "the response names another parent than the create",
            "The chain may be lost: pass previous_response_id on.",
        ),
        "no-eviction": Entry(
            _W,
            _PROXY,
            "a parent still worked after a continuation of it had failed",
            "The guide says that a failed continuation evicts its parent; clients cannot rely on it here.",
        ),
        "context-lost": Entry(
            _E,
            _PROXY,
            "the server answered without the context of the parent",
            "The proxy drops previous_response_id or sends the turn to another replica: nothing tells"
            " the client.",
        ),
        "output-missing": Entry(
            _E,
            _CLIENT,
            "a chain goes on, but a tool call of its parent has no output",
            "Send an output for every call of the parent in one create.",
        ),
        "create-nested": Entry(
            _W,
            _CLIENT,
            "a create nests its parameters under response",
            "Send them flat.",
        ),
        "stream-field": Entry(
            _N,
            _CLIENT,
            "a create carries stream or background",
            "HTTP fields: leave them out over WebSocket.",
        ),
        "chat-tools": Entry(
            _W,
            _CLIENT,
            "tools are in the chat-completions form",
            "Send function tools flat: name beside type.",
        ),
        "settings-changed": Entry(
            _W,
            _PROXY,
            "the server echoes other settings than were sent",
            "Pass settings on unchanged, or refuse them.",
        ),
    }
)
