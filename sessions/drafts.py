"""What somebody has typed, kept between runs: sent prompts and frames, the unsent draft, half answers.

Its one rule: nothing typed is lost to a crash or a damaged line, and no known secret reaches the disk. A
draft belongs to one endpoint and one run; what an ended run has left is offered, never mixed with what is
typed now. Files are owner-only and bounded; a disk that refuses is said in `problems` and ends no session.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import secrets as chance
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from sessions import redact
from sessions.answers import HalfAnswer

SentKind: TypeAlias = Literal["prompt", "frame"]

MAX_SENT = 1000
_MAX_HALVES = 200
MAX_UNSENT = 9  # drafts of ended runs that are kept for one endpoint
_SLACK = 200  # the history is cut to its bound only when it is over it by so much
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_RUN = re.compile(r"\.(\d+)-[0-9a-f]+\.txt")  # the end of a draft's name: the process, and its run


class Sent(NamedTuple):
    """One thing that was sent, as far as it may be kept."""

    wall: int  #: microseconds since the epoch, UTC
    kind: SentKind
    text: str


class Unsent(NamedTuple):
    """A draft that a run has left which has ended."""

    wall: int  #: when it was written last, microseconds since the epoch, UTC
    text: str
    path: Path


class Drafts:
    """The kept words of one profile and endpoint; opens a file only when one is asked for."""

    def __init__(
        self,
        folder: Path,
        profile: str,
        *,
        endpoint: str = "",
        secrets: Iterable[str] = (),
        is_kept: bool = True,
        wall: Callable[[], int],
        is_running: Callable[[int], bool] | None = None,
    ) -> None:
        """`folder` is the state folder; `is_kept` false keeps everything in memory only.

        `endpoint` is the address that drafts belong to. `wall` gives microseconds since the epoch, UTC.
        `secrets` are masked before anything is written. `is_running` says whether a process still runs.
        """
        name = _UNSAFE_IN_NAME.sub("_", profile).strip(".") or "default"
        self._folder = folder
        self._sent_path = folder / f"sent-{name}.jsonl"
        self._draft_stem = f"draft-{name}{_place(endpoint)}"
        self._run = f"{os.getpid()}-{chance.token_hex(4)}"
        self._halves_path = folder / f"answers-{name}.jsonl"
        self._secrets = tuple(secrets)
        self._is_kept = is_kept
        self._wall = wall
        self._is_running = is_running or _runs
        self._sent: list[Sent] | None = None
        self._halves: dict[str, HalfAnswer] | None = None
        self._draft: str | None = None
        self._problems: list[str] = []

    def named(self, name: str) -> Drafts:
        """The same history and half answers, with an unsent draft of its own; for a session with a name."""
        self._load_sent()
        self._load_halves()
        other = copy(self)
        other._draft_stem = f"{self._draft_stem}@{_UNSAFE_IN_NAME.sub('_', name)}"
        other._draft = None
        return other

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read or kept so far, in sentences."""
        return tuple(self._problems)

    # What was sent -------------------------------------------------------------------------------------

    def remember(self, text: str, kind: SentKind = "prompt") -> None:
        """Keep something that was sent; the same again right after is kept once."""
        sent = self._load_sent()
        clean = self._clean(text)
        if not clean.strip() or (sent and sent[-1].text == clean and sent[-1].kind == kind):
            return
        entry = Sent(self._wall(), kind, clean)
        sent.append(entry)
        self._append(self._sent_path, _line(entry))
        if len(sent) > MAX_SENT + _SLACK:
            if self._is_kept:
                # another run may have added its own lines meanwhile
                self._sent = None
                sent = self._load_sent() or sent
            del sent[:-MAX_SENT]
            self._sent = sent
            self._replace(self._sent_path, "".join(_line(one) for one in sent))

    def history(self) -> tuple[Sent, ...]:
        """What was sent, oldest first, at most a thousand."""
        return tuple(self._load_sent()[-MAX_SENT:])

    def _load_sent(self) -> list[Sent]:
        if self._sent is None:
            self._sent = []
            damaged = 0
            for line in self._read(self._sent_path).split("\n"):
                if (entry := _sent(line)) is not None:
                    self._sent.append(entry)
                elif line.strip():
                    damaged += 1
            self._say_damaged(damaged, self._sent_path)
        return self._sent

    # The unsent draft ----------------------------------------------------------------------------------

    def save(self, text: str) -> None:
        """Keep what stands in the composer; an empty text forgets it."""
        clean = self._clean(text)
        if clean == self.draft():
            return
        self._draft = clean
        self._replace(self._draft_path, clean)

    def draft(self) -> str:
        """What stands in the composer of this run and was not sent; "" when there is nothing."""
        return self._draft or ""

    def unsent(self) -> tuple[Unsent, ...]:
        """What ended runs have left for this endpoint, newest first; of more than nine the oldest go."""
        found = sorted(self._left_behind(), reverse=True)
        for old in found[MAX_UNSENT:]:
            self.drop(old)
        return tuple(found[:MAX_UNSENT])

    def drop(self, draft: Unsent) -> None:
        """Forget a draft of an ended run: it was taken up, or is not wanted."""
        self._replace(draft.path, "")

    def _left_behind(self) -> Iterator[Unsent]:
        if not self._is_kept or not self._folder.is_dir():
            return
        for path in self._folder.glob(f"{glob.escape(self._draft_stem)}.*.txt"):
            run = _RUN.fullmatch(path.name, len(self._draft_stem))
            if run is None or path == self._draft_path:
                continue
            # the number of this process, in another run of it, is one that was given out before
            if int(run[1]) != os.getpid() and self._is_running(int(run[1])):
                continue
            if text := self._read(path):
                with suppress(OSError):
                    yield Unsent(path.stat().st_mtime_ns // 1000, text, path)

    @property
    def _draft_path(self) -> Path:
        return self._folder / f"{self._draft_stem}.{self._run}.txt"

    # Half answers --------------------------------------------------------------------------------------

    def keep_half(self, half: HalfAnswer) -> None:
        """Keep a half-filled answer of a call, in place of an earlier one."""
        clean = half.model_copy(
            update={
                "raw": self._clean(half.raw),
                "values": {
                    key: self._clean(value) if isinstance(value, str) else value
                    for key, value in half.values.items()
                },
            }
        )
        halves = self._load_halves()
        if halves.get(half.call_id) == clean:
            return
        halves.pop(half.call_id, None)
        halves[half.call_id] = clean
        while len(halves) > _MAX_HALVES:
            halves.pop(next(iter(halves)))
        self._save_halves()

    def halves(self) -> dict[str, HalfAnswer]:
        """The half-filled answers by call id, oldest first."""
        return dict(self._load_halves())

    def forget_half(self, call_id: str) -> None:
        """Forget the half-filled answer of a call that was answered."""
        if self._load_halves().pop(call_id, None) is not None:
            self._save_halves()

    def _load_halves(self) -> dict[str, HalfAnswer]:
        if self._halves is None:
            self._halves = {}
            damaged = 0
            for line in self._read(self._halves_path).split("\n"):
                try:
                    half = HalfAnswer.model_validate_json(line)
                except ValueError:
                    damaged += bool(line.strip())
                else:
                    self._halves[half.call_id] = half
            self._say_damaged(damaged, self._halves_path)
        return self._halves

    def _save_halves(self) -> None:
        lines = (half.model_dump_json() + "\n" for half in self._load_halves().values())
        self._replace(self._halves_path, "".join(lines))

    # Disk ------------------------------------------------------------------------------------------------

    def _clean(self, text: str) -> str:
        if '"mcp"' in text:
            text = redact.payload(text.encode(errors="surrogatepass")).value.decode(errors="surrogatepass")
        return redact.text(text, self._secrets).value

    def _say_damaged(self, count: int, path: Path) -> None:
        if count:
            lines = "1 line" if count == 1 else f"{count} lines"
            self._problems.append(f"{lines} of {path.name} cannot be read and were passed over.")

    def _read(self, path: Path) -> str:
        if not self._is_kept:
            return ""
        try:
            return path.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            self._fail(path, error)
            return ""

    def _append(self, path: Path, line: str) -> None:
        """Add a line in one write; after a line that a crash has cut, on a line of its own."""
        if not self._is_kept:
            return
        try:
            self._make_folder()
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                end = os.lseek(file, 0, os.SEEK_END)
                is_cut = end > 0 and os.pread(file, 1, end - 1) != b"\n"
                os.write(file, (b"\n" if is_cut else b"") + _bytes(line))
            finally:
                os.close(file)
        except OSError as error:
            self._fail(path, error)

    def _replace(self, path: Path, text: str) -> None:
        """Write a file whole: either the old one stands there or the new one."""
        if not self._is_kept:
            return
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            if not text:
                path.unlink(missing_ok=True)
                return
            self._make_folder()
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(file, "wb") as stream:
                stream.write(_bytes(text))
            os.replace(fresh, path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            self._fail(path, error)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _fail(self, path: Path, error: OSError) -> None:
        sentence = f"{path.name} cannot be kept: {error.strerror or error}."
        if sentence not in self._problems:
            self._problems.append(sentence)


def _place(endpoint: str) -> str:
    """An endpoint in the name of a file: its host to be read, its whole address as a digest."""
    if not endpoint:
        return ""
    host = endpoint.partition("://")[2].partition("/")[0] or endpoint
    digest = hashlib.sha256(endpoint.encode(errors="replace")).hexdigest()[:8]
    return f"-{_UNSAFE_IN_NAME.sub('_', host)[:80]}-{digest}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it is another person's, or cannot be asked: nothing of it is touched
    return True


def _line(entry: Sent) -> str:
    return json.dumps({"t": entry.wall, "kind": entry.kind, "text": entry.text}) + "\n"


def _sent(line: str) -> Sent | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    wall, kind, text = found.get("t"), found.get("kind"), found.get("text")
    if isinstance(wall, int) and kind in ("prompt", "frame") and isinstance(text, str):
        return Sent(wall, kind, text)
    return None


def _bytes(text: str) -> bytes:
    # a lone surrogate, pasted by accident, must not stop a draft from being kept
    return text.encode(errors="replace")
