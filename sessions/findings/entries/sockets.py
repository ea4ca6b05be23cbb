"""Findings about sockets: how they open and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sessions.finding import Severity
from sessions.findings.entry import Entry, Who

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "name-unknown": Entry(
            _E,
            Who.NETWORK,
            "the host's name has no address here",
            "Check the base URL's spelling and the resolver.",
        ),
        "port-closed": Entry(
            _E,
            Who.NETWORK,
            "nothing accepted the connection",
            "Start the server, or check host, port and firewall.",
        ),
        "tls-failed": Entry(
            _E,
            Who.NETWORK,
            "the TLS handshake failed",
            "Add the CA of whoever intercepts TLS (--ca), or use http:// where the port is plain.",
        ),
        "proxy-failed": Entry(
            _E,
            Who.PROXY,
            "the outbound proxy refused or failed, not the API",
            "Check the proxy's address and login, or leave it out for this host (NO_PROXY).",
        ),
        "key-refused": Entry(
            _E,
            Who.CLIENT,
            "the upgrade was refused for want of a valid key (401)",
            "Send the key as Authorization: Bearer with the upgrade; if it works over HTTP, the proxy's "
            "WebSocket route checks it otherwise.",
        ),
        "upgrade-forbidden": Entry(
            _E,
            Who.PROXY,
            "the upgrade was refused (403)",
            "A bare 403 mostly means that no WebSocket route exists; a body with a code is a policy. "
            "Enable the route, or change the policy.",
        ),
        "model-wanted-in-url": Entry(
            _E,
            Who.PROXY,
            "the upgrade works only with ?model= in the URL",
            "The model belongs into the first frame. Upgrade the proxy (LiteLLM from 1.89.0); until then "
            "add ?model=.",
        ),
        "no-websocket-route": Entry(
            _E,
            Who.PROXY,
            "there is no WebSocket route at this path (404 or 405)",
            "Check the path, enable the WebSocket front end; a uvicorn without a WebSocket library "
            "answers the same.",
        ),
        "websocket-off": Entry(
            _N,
            Who.NOBODY,
            "the server says that it speaks HTTP only here (426)",
            "Not a fault: use HTTP for this server, or switch its WebSocket front end on.",
        ),
        "throttled": Entry(
            _E,
            Who.CLIENT,
            "the upgrade was refused because of too many (429)",
            "Wait as long as Retry-After says; keep one socket instead of opening new ones.",
        ),
        "server-failing": Entry(
            _E,
            Who.PROXY,
            "the server answered the upgrade with an error of its own (5xx)",
            "Read the body and the log of whoever answered: its upstream may be what failed.",
        ),
        "answered-as-http": Entry(
            _E,
            Who.PROXY,
            "the upgrade was answered as a plain HTTP request",
            "Forward Upgrade and Connection over HTTP/1.1 (nginx: proxy_http_version 1.1), or use a "
            "server with WebSocket.",
        ),
        "upgrade-unanswered": Entry(
            _E,
            Who.NETWORK,
            "nobody answered the upgrade",
            "A firewall, VPN or middle box drops upgrades: try another route, or HTTP.",
        ),
        "tap-refused": Entry(
            _W,
            Who.CLIENT,
            "the tap itself refused a request, which never reached the upstream",
            "Mend what the client sends, as the evidence says; its base URL is the one that the tap names.",
        ),
        "upgrade-slow": Entry(
            _W,
            Who.PROXY,
            "the upgrade took longer than two seconds",
            "Look at what the proxy does before it answers (an upstream dial, a key check).",
        ),
        "not-http": Entry(
            _E,
            Who.NETWORK,
            "what came for the upgrade is not HTTP, or no valid 101",
            "Another service listens on this port, or TLS meets plain text.",
        ),
        "closed-by-policy": Entry(
            _E,
            Who.PROXY,
            "the upgrade was accepted and then closed by policy (1008)",
            "Check entitlement, path and headers; refuse with an HTTP status instead, so that clients "
            "see the cause.",
        ),
        "closed-normally-in-answer": Entry(
            _E,
            Who.PROXY,
            "the socket was closed as normal (1000) in the middle of an answer",
            "Some clients take this for the end of the stream and lose the rest silently: send a "
            "terminal event, then close with 1011.",
        ),
        "server-went-away": Entry(
            _W,
            Who.PROXY,
            "the server went away (1001) while a turn ran",
            "Drain before a stop: let running responses end, refuse new sockets with 503.",
        ),
        "server-error-close": Entry(
            _E,
            Who.PROXY,
            "the server closed with an internal error (1011) while a turn ran",
            "Look in the proxy's log at this time; send an error frame or response.failed before closing.",
        ),
        "restart-close": Entry(
            _W,
            Who.PROXY,
            "the service restarted (1012) while a turn ran",
            "Drain before a restart; the client has to open a new socket and send the full history.",
        ),
        "busy-close": Entry(
            _W,
            Who.PROXY,
            "the server closed because it is busy (1013)",
            "Back off; the proxy's pool of upstream connections is empty.",
        ),
        "private-close": Entry(
            _E,
            Who.PROXY,
            "the socket was closed with a private code while a turn ran",
            "Only the server's own documentation explains this code; an error frame before it would.",
        ),
        "closed-in-answer": Entry(
            _E,
            Who.PROXY,
            "the socket was closed in the middle of an answer",
            "Send a terminal event or an error frame before closing.",
        ),
        "cut-in-answer": Entry(
            _E,
            Who.NETWORK,
            "the connection ended without a close frame in the middle of an answer",
            "Compare with the direct way: idle limits of proxies, restarts and networks end TCP like this.",
        ),
        "cut-by-tap": Entry(
            _N,
            Who.NOBODY,
            "the tap was stopped in the middle of an answer",
            "Not a fault: let what runs come to its end before the tap is stopped.",
        ),
        "too-big-close": Entry(
            _E,
            Who.PROXY,
            "a message was refused as too big (1009)",
            "Raise the frame limit, or send large turns over HTTP.",
        ),
        "idle-limit": Entry(
            _W,
            Who.PROXY,
            "the connection ended after a silence that is a usual idle limit",
            "Raise the read timeout of the hop that has it, or send pings more often than that.",
        ),
        "age-limit": Entry(
            _N,
            Who.NOBODY,
            "the connection reached its age limit",
            "Open a new socket before the limit; what was not stored is sent again in full.",
        ),
        "no-pong": Entry(
            _E,
            Who.NETWORK,
            "pings were not answered",
            "The connection is half open: a NAT, VPN or sleep has cut it. Reconnect; keep pings on. Where "
            "one side was only slow and the other closed for it (1011), raise that one's ping timeout.",
        ),
        "close-unanswered": Entry(
            _W,
            Who.PROXY,
            "a close frame was never answered",
            "Answer a close frame with a close frame, then end TCP.",
        ),
        "terminal-missing": Entry(
            _E,
            Who.PROXY,
            "a response never ended",
            "End every response with response.completed, response.incomplete or response.failed.",
        ),
        "app-silent": Entry(
            _E,
            Who.PROXY,
            "a create was never answered",
            "The socket lives, the application is silent: look in the proxy's log for its upstream's error.",
        ),
        "server-unavailable": Entry(
            _E,
            Who.PROXY,
            "the server answered the upgrade with 503",
            "It drains or has no room: try again as Retry-After says; a new socket for each request "
            "makes it worse.",
        ),
        "edge-blocked": Entry(
            _E,
            Who.NETWORK,
            "the upgrade was blocked at the edge, before it reached the API (403)",
            "A CDN refuses this client: open fewer sockets, keep its cookies, or leave from another address.",
        ),
        "unencrypted": Entry(
            _W,
            Who.CLIENT,
            "the connection to another machine is not encrypted",
            "The key travels in clear text: use https:// or wss://, or a tunnel.",
        ),
        "key-in-url": Entry(
            _W,
            Who.CLIENT,
            "the URL carries what looks like a key",
            "URLs are logged everywhere: send the key as Authorization: Bearer.",
        ),
        "close-code-invalid": Entry(
            _W,
            Who.PROXY,
            "a close frame carries a code that no close frame may carry",
            "Use 1000 to 1014 as RFC 6455 says, or 3000 to 4999; 1005, 1006 and 1015 are never sent.",
        ),
        "closed-without-answer": Entry(
            _E,
            Who.PROXY,
            "the socket was closed and a create never answered",
            "Send an error frame before closing: the client cannot know what was wrong.",
        ),
        "closed-while-idle": Entry(
            _W,
            Who.PROXY,
            "the server closed an idle connection with an error code",
            "Look in the proxy's log; a close with 1000 or 1001 would say that nothing is wrong.",
        ),
        "frame-kills-socket": Entry(
            _E,
            Who.PROXY,
            "one message that the server does not take ended the connection",
            "Answer it with an error frame and go on: other turns share this socket.",
        ),
        "too-big-hidden": Entry(
            _W,
            Who.PROXY,
            "the connection ended without a close frame after a very large message",
            "A size limit hidden as a network fault: close with 1009; send large turns over HTTP.",
        ),
        "died-together": Entry(
            _W,
            Who.NETWORK,
            "several connections ended in the same moment",
            "A restart, a sleep, or a network that changed: it is not about one turn.",
        ),
        "connection-churn": Entry(
            _E,
            Who.CLIENT,
            "the upgrade was refused (403) after many connections in a short time",
            "Use a connection again instead of opening one for each request; open at most one a second.",
        ),
        "upgrade-forbidden-at-times": Entry(
            _E,
            Who.PROXY,
            "the upgrade was refused (403), though it was accepted before",
            "A server that drains refuses like this and should answer 503 with Retry-After: try again after "
            "a pause; if it stays, the key or account was cut off.",
        ),
        "fallback-slow": Entry(
            _W,
            Who.PROXY,
            "a client tried WebSocket several times before it fell back to HTTP",
            "Answer 426 at once where there is no WebSocket, or switch it off in the client: each session "
            "loses this time.",
        ),
        "stream-empty": Entry(
            _E,
            Who.PROXY,
            "an event stream was promised and ended without an event",
            "Send the events, or an HTTP status and an error body: 200 with nothing tells a client nothing.",
        ),
        "compact-missing": Entry(
            _W,
            Who.PROXY,
            "the server has no route for compaction (404 or 405)",
            "Pass POST …/responses/compact on, or switch automatic compaction off in the client: it fails "
            "once a conversation is long.",
        ),
    }
)
