from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from sessions.answers import HalfAnswer
from sessions.drafts import MAX_SENT, MAX_UNSENT, Drafts, Sent
from tests.conftest import HandClock


def drafts(folder: Path, clock: HandClock, profile: str = "openai", **options: object) -> Drafts:
    secrets = options.get("secrets", ())
    assert isinstance(secrets, tuple)
    return Drafts(
        folder / "state",
        profile,
        secrets=secrets,
        is_kept=options.get("is_kept") is not False,
        endpoint=str(options.get("endpoint", "")),
        wall=clock.wall,
        is_running=lambda process: process == STRANGER,
    )


STRANGER = 4_100_000  # a process that runs, in these tests


def texts(kept: Drafts) -> list[str]:
    return [one.text for one in kept.unsent()]


def half(call_id: str, **values: str | bool) -> HalfAnswer:
    return HalfAnswer(call_id=call_id, type="function_call", values=values)


def test_what_was_sent_is_there_in_the_next_run(tmp_path: Path, clock: HandClock) -> None:
    first = drafts(tmp_path, clock)
    first.remember("Hi\nthere")
    clock.move(1)
    first.remember('{"type":"response.create"}', "frame")
    first.remember('{"type":"response.create"}', "frame")
    first.remember("   ")
    again = drafts(tmp_path, clock)
    assert again.history() == first.history()
    assert again.history() == (
        Sent(clock.wall() - 1_000_000, "prompt", "Hi\nthere"),
        Sent(clock.wall(), "frame", '{"type":"response.create"}'),
    )
    assert again.problems == ()


def test_files_are_for_their_owner_only_and_made_when_needed(tmp_path: Path, clock: HandClock) -> None:
    kept = drafts(tmp_path, clock)
    assert (kept.history(), kept.draft(), kept.halves()) == ((), "", {})
    assert not (tmp_path / "state").exists()
    kept.remember("Hi")
    kept.save("not yet")
    kept.keep_half(half("call_1", output="1"))
    modes = {
        path.name.partition(".")[0]: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "state").iterdir()
    }
    assert modes == {"sent-openai": 0o600, "draft-openai": 0o600, "answers-openai": 0o600}


def test_the_draft_is_kept_until_it_is_emptied(tmp_path: Path, clock: HandClock) -> None:
    drafts(tmp_path, clock).save("half a thought\n")
    kept = drafts(tmp_path, clock)
    assert kept.draft() == ""
    assert texts(kept) == ["half a thought\n"]
    kept.save("another thought")
    kept.drop(kept.unsent()[0])
    assert texts(kept) == []
    assert texts(drafts(tmp_path, clock)) == ["another thought"]
    kept.save("")
    assert list((tmp_path / "state").iterdir()) == []


def test_a_draft_belongs_to_its_address(tmp_path: Path, clock: HandClock) -> None:
    here, there = "http://127.0.0.1:19402/v1/responses", "http://127.0.0.1:19403/v1/responses"
    drafts(tmp_path, clock, endpoint=here).save("for the first port")
    assert texts(drafts(tmp_path, clock, endpoint=there)) == []
    assert texts(drafts(tmp_path, clock, endpoint=here)) == ["for the first port"]


def test_the_draft_of_a_run_that_goes_on_is_left_to_it(tmp_path: Path, clock: HandClock) -> None:
    kept = drafts(tmp_path, clock)
    kept.save("mine")
    (mine,) = (tmp_path / "state").iterdir()
    for process, text in ((STRANGER, "of one who still types"), (STRANGER + 1, "of one who has ended")):
        (tmp_path / "state" / f"draft-openai.{process}-0f0f0f0f.txt").write_text(text)
    assert texts(drafts(tmp_path, clock)) == ["of one who has ended", "mine"]
    assert texts(kept) == ["of one who has ended"]
    kept.save("")
    assert not mine.exists()
    assert len(list((tmp_path / "state").iterdir())) == 2


def test_the_drafts_of_ended_runs_are_bounded_newest_first(tmp_path: Path, clock: HandClock) -> None:
    for number in range(MAX_UNSENT + 2):
        drafts(tmp_path, clock).save(f"draft {number}")
        for path in (tmp_path / "state").glob("draft-*"):
            if path.read_text() == f"draft {number}":
                os.utime(path, (1000 + number, 1000 + number))
    found = drafts(tmp_path, clock).unsent()
    assert [one.text for one in found] == [f"draft {number}" for number in range(MAX_UNSENT + 1, 1, -1)]
    assert found[0].wall == (1000 + MAX_UNSENT + 1) * 1_000_000
    assert len(list((tmp_path / "state").iterdir())) == MAX_UNSENT


def test_half_answers_are_kept_by_call(tmp_path: Path, clock: HandClock) -> None:
    kept = drafts(tmp_path, clock)
    kept.keep_half(half("call_1", output="1\u2028 2"))
    kept.keep_half(half("call_2", approve=True))
    kept.keep_half(half("call_1", output="3\u2028 4"))
    again = drafts(tmp_path, clock)
    assert list(again.halves()) == ["call_2", "call_1"]
    assert again.halves()["call_1"].values == {"output": "3\u2028 4"}
    again.forget_half("call_2")
    again.forget_half("call_9")
    assert list(drafts(tmp_path, clock).halves()) == ["call_1"]


def test_known_secrets_never_reach_the_disk(tmp_path: Path, clock: HandClock) -> None:
    kept = drafts(tmp_path, clock, secrets=("hunter2secret",))
    kept.remember("my key is hunter2secret")
    kept.remember('{"tools":[{"type":"mcp","authorization":"s3cr3t"}]}', "frame")
    kept.save("sk-abcdefghijklmnop and hunter2secret")
    kept.keep_half(
        HalfAnswer(call_id="c", type="function_call", raw="hunter2secret", values={"a": "hunter2secret"})
    )
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    for secret in (b"hunter2secret", b"s3cr3t", b"sk-abcdefghijklmnop"):
        assert secret not in written
    assert kept.history()[0].text == "my key is ***"


def test_damaged_lines_are_passed_over_and_said(tmp_path: Path, clock: HandClock) -> None:
    drafts(tmp_path, clock).remember("one")
    path = tmp_path / "state" / "sent-openai.jsonl"
    path.write_bytes(path.read_bytes() + b'{"t":1}\n\xff\xfe\n[]\n' + b"[" * 50_000 + b'\n{"t":1,"kind":"pro')
    kept = drafts(tmp_path, clock)
    assert [sent.text for sent in kept.history()] == ["one"]
    assert kept.problems == ("5 lines of sent-openai.jsonl cannot be read and were passed over.",)
    kept.remember("two")
    assert [sent.text for sent in drafts(tmp_path, clock).history()] == ["one", "two"]


def test_damaged_half_answers_are_said_too(tmp_path: Path, clock: HandClock) -> None:
    drafts(tmp_path, clock).keep_half(half("call_1", output="1"))
    path = tmp_path / "state" / "answers-openai.jsonl"
    path.write_text(path.read_text() + '{"call_id": 3}\n\n')
    kept = drafts(tmp_path, clock)
    assert list(kept.halves()) == ["call_1"]
    assert kept.problems == ("1 line of answers-openai.jsonl cannot be read and were passed over.",)


def test_the_history_is_bounded(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "state" / "sent-openai.jsonl"
    path.parent.mkdir()
    lines = [
        json.dumps({"t": number, "kind": "prompt", "text": str(number)}) for number in range(MAX_SENT + 200)
    ]
    path.write_text("\n".join(lines) + "\n")
    kept = drafts(tmp_path, clock)
    assert len(kept.history()) == MAX_SENT
    kept.remember("the last straw")
    assert len(kept.history()) == MAX_SENT
    assert kept.history()[-1].text == "the last straw"
    assert len(path.read_text().splitlines()) == MAX_SENT


def test_profiles_do_not_mix_and_names_cannot_leave_the_folder(tmp_path: Path, clock: HandClock) -> None:
    drafts(tmp_path, clock, "../../evil").save("x")
    drafts(tmp_path, clock, "").save("y")
    drafts(tmp_path, clock).save("z")
    found = {path.read_text(): path.name for path in (tmp_path / "state").iterdir()}
    begin = {"x": "draft-_.._evil.", "y": "draft-default.", "z": "draft-openai."}
    assert all(found[text].startswith(name) for text, name in begin.items())


def test_nothing_is_written_when_nothing_is_to_be_kept(tmp_path: Path, clock: HandClock) -> None:
    kept = drafts(tmp_path, clock, is_kept=False)
    kept.remember("Hi")
    kept.save("draft")
    kept.keep_half(half("call_1"))
    assert (kept.history()[0].text, kept.draft(), list(kept.halves())) == ("Hi", "draft", ["call_1"])
    assert not (tmp_path / "state").exists()


def test_a_disk_that_refuses_ends_nothing(tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "state").write_text("a file stands where the folder belongs")
    kept = drafts(tmp_path, clock)
    kept.remember("Hi")
    kept.save("draft")
    assert kept.history()[0].text == "Hi"
    assert kept.draft() == "draft"
    assert all("cannot be kept" in problem for problem in kept.problems)
    assert len(kept.problems) >= 2


def test_lone_surrogates_do_not_stop_a_draft(tmp_path: Path, clock: HandClock) -> None:
    kept = drafts(tmp_path, clock)
    kept.save("a\ud800b")
    kept.remember("a\ud800b")
    again = drafts(tmp_path, clock)
    assert texts(again) == ["a?b"]
    assert again.history()[0].text == "a\ud800b"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX append")
def test_two_runs_append_beside_each_other(tmp_path: Path, clock: HandClock) -> None:
    one, two = drafts(tmp_path, clock), drafts(tmp_path, clock)
    one.remember("from one")
    two.remember("from two")
    one.remember("again from one")
    texts = [sent.text for sent in drafts(tmp_path, clock).history()]
    assert texts == ["from one", "from two", "again from one"]


def test_cutting_the_history_keeps_what_another_run_has_added(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "state" / "sent-openai.jsonl"
    path.parent.mkdir()
    lines = [
        json.dumps({"t": number, "kind": "prompt", "text": str(number)}) for number in range(MAX_SENT + 200)
    ]
    path.write_text("\n".join(lines) + "\n")
    one, two = drafts(tmp_path, clock), drafts(tmp_path, clock)
    assert len(one.history()) == len(two.history()) == MAX_SENT
    two.remember("from two")
    one.remember("from one")
    assert [sent.text for sent in drafts(tmp_path, clock).history()[-2:]] == ["from two", "from one"]


def test_a_named_session_has_a_draft_of_its_own_and_shares_the_rest(tmp_path: Path, clock: HandClock) -> None:
    first = drafts(tmp_path, clock)
    alpha, beta = first.named("alpha"), first.named("beta")
    first.save("without a name")
    alpha.save("in alpha")
    beta.save("in beta")
    alpha.remember("Hi")
    alpha.keep_half(half("call_1", city="Oslo"))
    assert [one.text for one in beta.history()] == ["Hi"]
    assert list(beta.halves()) == ["call_1"]
    again = drafts(tmp_path, clock)
    assert [texts(one) for one in (again, again.named("alpha"), again.named("beta"))] == [
        ["without a name"],
        ["in alpha"],
        ["in beta"],
    ]
    odd = again.named("../../etc/passwd")
    odd.save("stays here")
    assert all(path.parent == tmp_path / "state" for path in (tmp_path / "state").iterdir())
