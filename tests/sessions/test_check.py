"""`turnscope check`: a line for each finding, for people and for scripts, and an exit code for CI."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions import cli
from sessions.commands.check import RULES
from sessions.doctor.offline import examine
from sessions.exits import Exit
from sessions.findings.catalogue import CATALOGUE
from sessions.findings.rules import NAMES
from sessions.reading import Reading
from sessions.recording import MAX_SESSION, Recording
from sessions.records import Direction, Kind, Record, to_line
from sessions.safe import is_safe
from sessions.soundness import RULES as FILE_RULES
from sessions.soundness import Soundness
from tests.make import Wire, create

HEADER = b'{"format":"turnscope","version":1,"app":"turnscope 9","source":"made"}\n'


@pytest.fixture
def talk() -> list[bytes]:
    """The lines of a socket with one turn, closed by both sides."""
    wire = Wire()
    records = [wire.open(), *wire.turn("resp_1"), wire.close(by=Direction.CLIENT), wire.close()]
    return [to_line(record, number) for number, record in enumerate(records)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "talk.jsonl"


def check(*arguments: str | Path) -> int:
    """Run the verb in this interpreter; its exit code."""
    return cli.main(["check", *map(str, arguments)])


def write(file: Path, lines: Iterable[bytes]) -> None:
    file.write_bytes(HEADER + b"".join(lines))


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The JSON lines that were printed."""
    captured = capsys.readouterr()
    assert captured.err == ""
    return [json.loads(line) for line in captured.out.splitlines()]


def test_a_sound_recording_ends_with_0(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, talk)
    assert check(file) == Exit.DONE
    captured = capsys.readouterr()
    assert captured.out == f"sound: {len(talk)} records, 1 session, 1 turn, spans 0.1 s\n"
    assert captured.err == ""


@pytest.mark.parametrize(("source", "severity"), [("doctor", "note"), ("tap", "error")])
def test_what_a_doctor_does_wrong_on_purpose_is_a_note(
    source: str, severity: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = Wire()
    records = [wire.open(), wire.sent("{"), wire.close(by=Direction.CLIENT), wire.close()]
    header = HEADER.replace(b"made", source.encode())
    file.write_bytes(header + b"".join(to_line(record, number) for number, record in enumerate(records)))
    assert check(file) == (Exit.FINDINGS if severity == "error" else Exit.DONE)
    printed = capsys.readouterr().out
    assert f"{severity}: the client sent a message that is no JSON object" in printed
    assert ("these are a doctor's probes" in printed) == (source == "doctor")
    examined = examine(Reading.open(file), None, "talk")
    assert any(one.outcome == "fail" for one in examined.results) == (severity == "error")


def test_each_finding_is_one_line_with_its_place(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, [*talk[:5], b"junk\n", *talk[7:-1], talk[-1][:30]])
    assert check(file) == Exit.FINDINGS
    damaged, jump, cut, total = capsys.readouterr().out.splitlines()
    assert damaged.startswith(f"{file}:7: error: a line that is no record (Expecting value")
    assert jump.startswith(f"{file}:8: error: a record is missing (number 7 stands after 4)")
    assert cut.startswith(f"{file}:{len(talk)}: error: the last line is cut (it ends after 30 bytes); ")
    assert total.startswith(f"not sound: {len(talk) - 3} records, 1 session, 1 turn, 3 errors, spans ")


def test_scripts_get_objects_and_a_summary(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, [*talk[:5], b"junk\n", *talk[6:-2]])
    assert check(file, "--json") == Exit.FINDINGS
    damaged, open_end, summary = objects(capsys)
    assert damaged.keys() == {
        "id", "severity", "session", "records", "line", "who", "title", "evidence", "remedy",
        "turn",
    }  # fmt: skip
    assert (damaged["id"], damaged["line"], damaged["severity"]) == ("damaged-line", 7, "error")
    assert (open_end["id"], open_end["session"], open_end["records"]) == ("no-end", 1, [len(talk) - 4])
    assert summary["event"] == "summary"
    assert summary["recording"] == str(file)
    assert (summary["app"], summary["source"]) == ("turnscope 9", "made")
    assert (summary["records"], summary["sessions"], summary["turns"]) == (len(talk) - 3, 1, 1)
    assert (summary["errors"], summary["warnings"], summary["notes"]) == (1, 0, 1)


def test_a_remedy_speaks_of_the_product_that_seems_to_answer(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It adds words and changes no severity and no exit code; what answered is told by every face."""
    wire = Wire()
    head = b"GET / HTTP/1.1\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.22.1\r\n\r\n"
    guess = "looks like nginx (its server header; 80%)"
    for has_head in (False, True):
        opened = wire.open()._replace(payload=head if has_head else b"")
        records = [opened, wire.sent(create()), *wire.turn("resp_1")[:-1], wire.lost()]
        write(file, [to_line(record, number) for number, record in enumerate(records)])
        assert check(file, "--json") == Exit.FINDINGS
        *found, summary = objects(capsys)
        (cut,) = (one for one in found if one["id"] == "cut-in-answer")
        assert ("nginx: Raise proxy_read_timeout" in cut["remedy"]) == has_head
        assert summary["product"] == (guess if has_head else None)
        assert check(file) == Exit.FINDINGS
        told = capsys.readouterr().out
        assert (f"what answered {guess}\n" in told) == has_head
        assert check(file, "--junit") == Exit.FINDINGS
        assert ('<property name="product"' in capsys.readouterr().out) == has_head


def test_notes_alone_end_with_0(talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(file, talk[:-2])
    assert check(file) == Exit.DONE
    note, total = capsys.readouterr().out.splitlines()
    assert note.startswith(f"{file}: note: session 1 has no end")
    assert total.startswith("sound: ")


def test_what_crossed_the_wire_is_judged_too(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = Wire()
    records = [wire.open(), wire.sent(create()), wire.got("{"), *wire.turn("resp_2"), wire.lost()]
    write(file, [to_line(record, number) for number, record in enumerate(records)])
    assert check(file) == Exit.FINDINGS
    first, *_, total = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}:4: error: a text frame is not JSON (")
    assert first.endswith("; Send one JSON object in each text frame and nothing else [not-json, proxy]")
    assert total.startswith("the file is sound, what it holds is not: ")
    assert check(file, "--json") == Exit.FINDINGS
    found = objects(capsys)
    assert found[0]["id"] == "not-json"
    assert (found[0]["line"], found[0]["records"], found[0]["who"]) == (4, [2], "proxy")
    assert found[-1]["findings"]["not-json"] == 1
    assert sum(found[-1]["findings"].values()) == len(found) - 1


def test_a_hole_in_the_file_is_not_held_against_the_server(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for gone in range(1, len(talk) - 2):
        write(file, [*talk[:gone], *talk[gone + 1 :]])
        check(file, "--json")
        assert [one["id"] for one in objects(capsys)[:-1]] == ["number-jump"]


def test_rules_say_how_much_a_finding_weighs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire()
    error = {"status": 400, "error": {"type": "invalid_request_error", "code": "c", "message": "No."}}
    records = [
        wire.open(profile="xai"),
        wire.sent(create()),
        wire.got(error),
        wire.close(by=Direction.CLIENT),
        wire.close(),
    ]
    write(file, [to_line(record, number) for number, record in enumerate(records)])
    assert check(file) == Exit.DONE
    assert check(file, "--rules", "lenient") == Exit.DONE
    assert check(file, "--rules", "openai") == Exit.FINDINGS
    assert "error: T1: an error frame has no type" in capsys.readouterr().out
    assert RULES == NAMES


def test_junit_has_a_case_for_every_id(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, [*talk[:-2], b"junk \x1b[2J <&>\n"])
    assert check(file, "--junit") == Exit.FINDINGS
    root = ElementTree.fromstring(capsys.readouterr().out)
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert set(cases) == {*FILE_RULES, *CATALOGUE}
    assert {name for name, case in cases.items() if case.find("failure") is not None} == {"damaged-line"}
    failure = cases["damaged-line"].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "a line that is no record"
    assert str(file) in (failure.text or "")
    note = cases["no-end"].find("system-out")
    assert note is not None
    assert (root.attrib["failures"], root.attrib["tests"]) == ("1", str(len(cases)))
    assert [suite.attrib["failures"] for suite in root] == ["1", "0"]


def test_many_of_a_kind_are_counted_for_people_and_listed_for_scripts(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, [*talk, *[b"junk\n"] * 1_234])
    assert check(file) == Exit.FINDINGS
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert lines[-2] == "and 1,214 more of damaged-line; --json lists them all"
    assert "1,234 errors" in lines[-1]
    assert check(file, "--json") == Exit.FINDINGS
    assert len(objects(capsys)) == 1_235


def test_stdin_is_checked(
    talk: list[bytes], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lines, code in (([*talk], Exit.DONE), ([*talk, b"junk\n"], Exit.FINDINGS)):
        stdin = io.TextIOWrapper(io.BytesIO(HEADER + b"".join(lines)))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert check("-", "--json") == code
        assert objects(capsys)[-1]["recording"] == "stdin"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"{}\n", "is not a recording of turnscope"),
        (b'{"format":"turnscope","version":2,"app":"turnscope 7"}\n', "was written by turnscope 7"),
    ],
)
def test_what_is_no_recording_ends_with_5(
    content: bytes,
    words: str,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file.write_bytes(content)
    assert check(file) == Exit.RECORDING
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert check("-") == Exit.RECORDING
    captured = capsys.readouterr()
    assert captured.out == ""
    named, piped = captured.err.splitlines()
    assert words in named
    assert str(file) in named
    assert words in piped
    assert "stdin" in piped


def test_a_file_that_is_not_there_ends_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path / "none.jsonl") == Exit.RECORDING
    assert check(tmp_path) == Exit.RECORDING
    assert "none.jsonl: No such file" in capsys.readouterr().err


def test_a_growing_recording_has_no_cut_and_no_open_end(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its writer holds it, and is in the middle of a line."""
    wire = Wire()
    recording = Recording.create(file)
    try:
        recording.append(wire.open())
        recording.append(wire.sent(create()))
        recording.flush()
        with file.open("ab") as writer:
            writer.write(b'{"n":2,"t":')
        assert check(file) == Exit.DONE
        assert capsys.readouterr().out.endswith("so far; it is still being written\n")
    finally:
        recording.close()
    assert check(file) == Exit.FINDINGS
    assert "the last line is cut" in capsys.readouterr().out


def test_hostile_words_reach_no_terminal(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\\u001b]52;c;x\\u0007\\u202e" + "x" * 100_000
    lines = [
        f'{{"n":{len(talk)},"t":1,"mono":1,"conn":1,"dir":"client","kind":"{hostile}","size":0,"raw":""}}\n'.encode(),
        f'{{"n":"{hostile}","t":1795000000000000,"mono":1,"conn":1,"dir":"client","kind":"ping",'
        f'"size":"{hostile}","raw":""}}\n'.encode(),
        b"\x1b[2J\n",
    ]
    write(file, [*talk, *lines])
    assert check(file) == Exit.FINDINGS
    printed = capsys.readouterr().out
    assert is_safe(printed)
    assert max(map(len, printed.splitlines())) <= 600
    assert check(file, "--json") == Exit.FINDINGS
    assert is_safe(capsys.readouterr().out)


def test_a_reader_that_leaves_early_ends_it_quietly(talk: list[bytes], file: Path) -> None:
    """As `check FILE --json | head -1` does."""
    write(file, [*talk, *[b"junk\n"] * 20_000])
    command = [sys.executable, "-m", "sessions.cli", "check", str(file), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert b"damaged-line" in program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait(30) == Exit.DONE


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_told_on_a_terminal(
    talk: list[bytes], file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ping = Wire(at=1.0).record(b"", Kind.PING)
    write(file, [*talk[:-2], *(to_line(ping, number) for number in range(len(talk) - 2, 3_000))])
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert check(file) == Exit.DONE
    assert "% 2,000 lines" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert "% 2,000" not in capsys.readouterr().out


def test_session_numbers_have_the_room_that_a_reader_has(file: Path) -> None:
    for session, count in ((MAX_SESSION, 1), (MAX_SESSION + 1, 0), (-1, 0)):
        line = to_line(Wire(session).open(), 0)
        soundness = Soundness()
        soundness.take(line, 2)
        assert soundness.sessions.records == count
        write(file, [line])
        assert Reading.whole(file).known == count


def records() -> list[Record]:
    wire = Wire()
    return [wire.open(), *wire.turn("resp_1")]


LINES = [to_line(record, number) for number, record in enumerate(records())]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(LINES),
            st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"") + b"\n"),
            st.builds(
                lambda line, at, byte: line[: at % len(line)] + bytes([byte]) + line[at % len(line) + 1 :],
                st.sampled_from(LINES),
                st.integers(0, 10_000),
                st.integers(0, 255),
            ),
        ),
        max_size=8,
    )
)
def test_records_have_the_numbers_that_a_reader_gives_them(tmp_path: Path, lines: list[bytes]) -> None:
    """A finding names records as the screen does, whatever stands between them."""
    file = tmp_path / "any.jsonl"
    write(file, lines)
    soundness = Soundness()
    with file.open("rb") as written:
        found = [
            one for place, line in enumerate(written, 1) if place > 1 for one in soundness.take(line, place)
        ]
    reading = Reading.whole(file)
    try:
        assert soundness.sessions.records == reading.known
        damaged = [one.line for one in found if one.id in ("damaged-line", "cut-end")]
        assert damaged == [problem.line for problem in reading.problems]
    finally:
        reading.close()


# Profiles of one's own -------------------------------------------------------------------------------------


def empty_final(profile: str) -> list[bytes]:
    """The lines of a socket of this profile, whose final object is empty."""
    wire = Wire()
    opened, turn = wire.open(profile=profile), wire.turn("resp_1")
    event = json.loads(turn[-1].payload)
    event["response"]["output"] = []
    records = [opened, *turn[:-1], turn[-1]._replace(payload=json.dumps(event).encode())]
    return [to_line(record, number) for number, record in enumerate(records)]


def test_what_an_own_profile_is_known_for_is_a_note(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "config.toml"
    mine.write_text('[profiles.mine]\nknown = ["final-empty"]\n')
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(mine))
    for profile, rules, severity in (
        ("mine", "profile", "note"),
        ("openai", "profile", "warning"),
        ("mine", "openai", "warning"),
        ("mine", "lenient", "note"),
    ):
        write(file, empty_final(profile))
        check(file, "--json", "--rules", rules)
        (finding, *_) = objects(capsys)
        assert (finding["id"], finding["severity"]) == ("final-empty", severity)
    write(file, empty_final("mine"))
    check(file, "--json")
    assert objects(capsys)[0]["remedy"].startswith("Known of mine: ")


def test_a_profile_that_is_known_for_nothing_that_exists_stops_the_check(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "config.toml"
    mine.write_text('[profiles.mine]\nknown = ["final-emty"]\n')
    monkeypatch.setenv("TURNSCOPE_CONFIG", str(mine))
    write(file, empty_final("mine"))
    assert check(file, "--json") == Exit.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "there is no finding 'final-emty'" in captured.err
    assert "final-empty" in captured.err


# Hostile text, and what is no file -------------------------------------------------------------------------


def test_junit_stays_xml_whatever_a_peer_wrote(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire()
    words = "".join(map(chr, [*range(1, 0x20), 0x7F, 0x85, 0x2028, 0x202E, 0xFFFE, 0xFFFF, 0x1FFFF, 0xE0041]))
    said = f"{words}]]>&amp;<failure/>\"'"
    records = [
        wire.open(url=f"wss://{said}"), wire.sent(create()), wire.got({"type": said}),
        wire.got({"type": "error", "error": {"code": said, "message": said}}), wire.close(4000, said),
    ]  # fmt: skip
    write(file, [to_line(record, number) for number, record in enumerate(records)])
    check(file, "--json")
    found = [one for one in objects(capsys) if "id" in one]
    check(file, "--junit")
    root = ElementTree.fromstring(capsys.readouterr().out)
    cases = root.findall(".//testcase")
    assert {case.get("name") for case in cases if len(case)} == {one["id"] for one in found}
    assert int(root.get("tests", "")) == len(cases)
    assert int(root.get("failures", "")) == len(root.findall(".//failure"))


def test_what_is_no_file_is_told_in_its_own_words(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(file)
    assert check(file) == Exit.RECORDING
    assert "it is a pipe; `-` reads one from stdin" in capsys.readouterr().err
    assert check(tmp_path) == Exit.RECORDING
    assert "it is a folder, not a file" in capsys.readouterr().err
