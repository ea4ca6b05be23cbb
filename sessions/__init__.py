"""turnscope without a screen: a Responses session over WebSocket as records, state and changes.

    connect    http_stream    follow (a growing file)    replay       adapters: sockets, files, clocks
        \\           |                 |                    /
         `----------+------ Record ---+-------------------'           one frozen fact per thing seen
                               |
                         Inspector.feed                               store, apply, tell
                               |
             Recording (append-only file)  +  Sessions (append-only state)
                               |
                            Change                                    small frozen facts: what moved
              .----------------+---------------.
          tui (paint)      cli (JSON lines)    your code

Pure, no I/O, no clock:
  contract      what the API promises: event types, legal moves, limits, close codes, failure classes
  errors        the exception tree; a peer's mistake is never in it
  safe          remote text made unable to act on a terminal; the one gate for every face
  json_kinds    what a JSON value is, in words
  records       Record, Kind, Direction; one JSON line for each
  redact        credentials out, before anything is stored or shown
  masking       the door before the store: known secrets out of every record
  sse           server-sent events, each with its exact bytes
  events        bytes -> Event or Undecodable; tool arguments while they grow
  bodies        the JSON that a record carries: a message, an event of a stream, an HTTP body
  dialects      other spellings of the same facts -> the contract's words
  text          text that grows by deltas and knows which record brought what
  items         Item and Part: a message, a reasoning, a tool call and its texts
  session       Session, Lane, Turn, Response: plain state
  facts         usage, failures, rate limits out of event bodies, read without trust
  changes       What and Change: what one record changed
  state         all sessions, turns and responses, read by number and id; the step that writes them
  reducer       Sessions.apply: one record in, what it changed out; and by what they take:
    connection    the socket: opened, refused, closed, lost
    exchanges     HTTP: asked, answered, ended; a POST to /responses is a turn
    requests      the client's frames: a create begins a turn
    resent        which turn a create goes on from without naming it
    lifecycle     created to completed, failed, late; ids that repeat, change or are missing
    content       items, parts, deltas and done values
    outputs       which item an event means, and where it stands
    error_frames  which turn an error ends
    steering      what became of a steer, and whose successor a response is
  snapshot      all state as plain data
  wording       what items say in words: who, a title, a text
  transcript    a conversation as Markdown
  profile       how a provider deviates, as far as it changes what may be sent next
  recipes       how to point real clients at a tap, and which of them has arrived
  fallback      what a client tried before it used HTTP, and what that cost
  roster        the connections as a list, each with its state in words
  memory        what a connection remembers and what the server has stored
  admission     whether a socket takes a create now: lanes, queues, age
  continuation  the forecast: may this response be a parent now, and what will happen
  context       every item of a chain, ready to be sent again
  cost          what sending it again costs
  ways          the ways on after trouble, the safest that works first
  finding       one thing that is wrong or worth knowing about a recording, as every face shows it
  soundness     what is wrong with a recording as a file and as a fold
  findings      what is wrong with what crossed the wire: a judge, its rules, a catalogue of ids
  fingerprint   which product answers, guessed for the words of a remedy
  survivors     what is left of each lane when its socket ends
  create        what a person wants to send, as a value, and back
  compose       the exact text of a frame
  places        line and column of what stands in a JSON text
  lint          what looks wrong in a frame before it goes out
  tools         tools from a JSON file
  forms         JSON schemas as forms
  answers       answers to calls by hand, one frame for all
  secret        a credential that no repr shows
  loopback      whether a host is this machine
  summary       one record -> one uncoloured row
  lines         row -> plain text
  moment        a moment of a recording as people write it: 1:30, #1200, T5
  outcome       what a run of turns came to, for scripts
  ids           the ids in a message, and the same bytes with others
  moves         what happened between a create and the end of its answers
  script        a recording as what each client sent and what answered it
  shape         how two answers differ in shape, not in words or times
  checkpoints   states kept along the way, so that going back is quick
Edge, disk and tasks:
  source        Source, Live, Clock: what an adapter fulfils
  journal       the append-only file while it is written
  recording     what is written, read back by number
  reading       a file that somebody else wrote, or still writes
  line_ends     where the lines of such a file end
  retention     which old recordings go, as the settings say
  drafts        what somebody has typed, kept between runs
  inspector     store, apply, tell; followers with cursors
  playback      a recording behind a playhead: play, step, seek
  profiles      what is known about servers: addresses, lifetimes, deviations
  complaint     what is wrong with a value, in words: line, nearest key
  api_key       the key, from its variable; a placeholder on loopback
  settings      flag, environment, file, profile, default; each value with its source
  conversation  turns sent one after another on a live session
  version       which turnscope this is
  exits         exit codes, each with its sentence
  talk          the one door to stderr
  wire          the only folder that opens a socket
  compare       one script on two sides, aligned turn by turn; the transports timed against each other
  doctor        checks of one endpoint, in stages; who must mend what
  commands      one file per verb
  cli           the parser of all verbs
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.contract import FailureClass, Family, Status
    from sessions.conversation import Conversation, Silence, converse
    from sessions.errors import ConnectError, LocalProtocolError, RecordingError, SessionsError, SettingsError
    from sessions.events import Event, Undecodable, decode
    from sessions.inspector import Batch, Follower, Inspector
    from sessions.recording import Recording
    from sessions.records import Direction, Kind, Record, from_line, to_line
    from sessions.reducer import Change, Sessions, What, fold
    from sessions.session import Lane, Response, Session, Turn, Usage, remaining
    from sessions.source import Clock, Live, Source
    from sessions.wire.connect import Connection, connect
    from sessions.wire.endpoint import Endpoint, derive
    from sessions.wire.fake import FakeServer
    from sessions.wire.plan import Plan
    from sessions.wire.scenarios.options import Options

_HOMES = {
    "Batch": "inspector",
    "Change": "reducer",
    "Clock": "source",
    "ConnectError": "errors",
    "Connection": "wire.connect",
    "Conversation": "conversation",
    "Direction": "records",
    "Endpoint": "wire.endpoint",
    "Event": "events",
    "FailureClass": "contract",
    "FakeServer": "wire.fake",
    "Family": "contract",
    "Follower": "inspector",
    "Inspector": "inspector",
    "Kind": "records",
    "Lane": "session",
    "Live": "source",
    "LocalProtocolError": "errors",
    "Options": "wire.scenarios.options",
    "Plan": "wire.plan",
    "Record": "records",
    "Recording": "recording",
    "RecordingError": "errors",
    "Response": "session",
    "Session": "session",
    "Sessions": "reducer",
    "SessionsError": "errors",
    "SettingsError": "errors",
    "Silence": "conversation",
    "Source": "source",
    "Status": "contract",
    "Turn": "session",
    "Undecodable": "events",
    "Usage": "session",
    "What": "reducer",
    "connect": "wire.connect",
    "converse": "conversation",
    "decode": "events",
    "derive": "wire.endpoint",
    "fold": "reducer",
    "from_line": "records",
    "remaining": "session",
    "to_line": "records",
}

__all__ = [
    "Batch",
    "Change",
    "Clock",
    "ConnectError",
    "Connection",
    "Conversation",
    "Direction",
    "Endpoint",
    "Event",
    "FailureClass",
    "FakeServer",
    "Family",
    "Follower",
    "Inspector",
    "Kind",
    "Lane",
    "Live",
    "LocalProtocolError",
    "Options",
    "Plan",
    "Record",
    "Recording",
    "RecordingError",
    "Response",
    "Session",
    "Sessions",
    "SessionsError",
    "SettingsError",
    "Silence",
    "Source",
    "Status",
    "Turn",
    "Undecodable",
    "Usage",
    "What",
    "connect",
    "converse",
    "decode",
    "derive",
    "fold",
    "from_line",
    "remaining",
    "to_line",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sessions' has no attribute {name!r}")
    return getattr(import_module(f"sessions.{home}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
