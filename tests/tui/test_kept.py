"""What is kept between two runs: the draft, what was sent, half-filled answers; no key is among it."""

from __future__ import annotations

from pathlib import Path

from sessions.compose import Create
from tests.journey import MODEL, journey, serving
from tests.screen import screen_text
from tui.screens.answering import Answering

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CREATE = Create(model=MODEL, tools=(WEATHER,))
QUESTION = "What is the weather in Oslo? Call get_weather."


def files(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_draft_is_offered_in_the_next_run_and_gone_once_it_was_sent(tmp_path: Path) -> None:
    async with serving() as server:
        async with journey(server, state=tmp_path) as scene:
            await scene.write("Half a thought\nof two lines")
        async with journey(server, state=tmp_path, size=(80, 24)) as scene:
            await scene.shows("draft of ")
            assert scene.screen.composer.text == ""
            await scene.press("ctrl+r")
            await scene.shows("unsent draft of")
            await scene.press("enter")
            assert scene.screen.composer.text == "Half a thought\nof two lines"
            assert "draft of " not in screen_text(scene.app)
            assert scene.heard == []
            await scene.press("enter")
            await scene.turn_ended(1)
        async with journey(server, state=tmp_path) as scene:
            assert "draft of " not in screen_text(scene.app)


async def test_an_old_draft_never_gets_into_what_is_typed_or_into_another_address(tmp_path: Path) -> None:
    async with serving() as server, serving() as other:
        async with journey(server, state=tmp_path) as scene:
            await scene.write("1")
        async with journey(other, state=tmp_path) as scene:
            await scene.press(*"one", "enter")
            await scene.turn_ended(1)
            assert scene.heard_last["input"] == "one"
            await scene.press("ctrl+r")
            assert "unsent" not in screen_text(scene.app)
        async with journey(server, state=tmp_path) as scene:
            await scene.press(*"two", "enter")
            await scene.turn_ended(1)
            assert scene.heard_last["input"] == "two"
            await scene.press("ctrl+r")
            await scene.shows("unsent draft of")  # no longer beside the box, and still to be had


async def test_a_frame_that_is_being_written_is_kept_as_a_frame_even_when_it_is_broken(
    tmp_path: Path,
) -> None:
    broken = '{"type": "response.create",\n "model": }'
    async with serving() as server:
        async with journey(server, state=tmp_path) as scene:
            await scene.press("ctrl+t")
            await scene.write(broken)
        async with journey(server, state=tmp_path) as scene:
            await scene.press("ctrl+r", "enter")
            assert (scene.screen.composer.mode.value, scene.screen.composer.text) == ("JSON", broken)
            await scene.shows("line 2, column")
            await scene.press("f5")
            assert scene.heard == []


async def test_a_crash_of_the_socket_does_not_touch_what_is_being_written(tmp_path: Path) -> None:
    async with serving(faults=("abort-mid-stream",)) as server, journey(server, state=tmp_path) as scene:
        await scene.write("Tell me something long.")
        await scene.press("enter")
        await scene.write("The next question")
        await scene.turn_ended(1)
        await scene.shows("F9 ways on")
        assert scene.screen.composer.text == "The next question"


async def test_history_goes_on_between_runs_and_is_searched_by_hand(tmp_path: Path) -> None:
    async with serving() as server:
        async with journey(server, state=tmp_path) as scene:
            await scene.say("The first question")
            await scene.press("ctrl+t")
            await scene.write('{"type":"response.create","model":"gpt-6-astra","input":"as JSON"}')
            await scene.press("f5")
            await scene.turn_ended(2)
        async with journey(server, state=tmp_path) as scene:
            await scene.press("ctrl+r")
            await scene.shows("sent before")
            shown = screen_text(scene.app)
            assert shown.index("as JSON") < shown.index("The first question")
            await scene.press("2", "enter")
            assert scene.screen.composer.text == "The first question"
            assert scene.screen.composer.mode.value == "text"
            await scene.press("ctrl+r", "1", "enter")
            assert '"as JSON"' in scene.screen.composer.text
            assert scene.screen.composer.mode.value == "JSON"
            assert len(scene.heard) == 2


async def test_taking_from_history_loses_nothing_that_was_being_written(tmp_path: Path) -> None:
    async with serving() as server, journey(server, state=tmp_path) as scene:
        await scene.say("The first question")
        await scene.write("precious")
        await scene.press("ctrl+r", "1", "enter")
        assert scene.screen.composer.text == "The first question"
        await scene.press("ctrl+z")
        assert scene.screen.composer.text == "precious"


async def test_a_half_filled_answer_stands_in_the_form_again_after_esc_and_after_a_restart(
    tmp_path: Path,
) -> None:
    async with serving() as server:
        async with journey(server, state=tmp_path, create=CREATE) as scene:
            await scene.say(QUESTION)
            await scene.press("f8", *"cold", "escape")
            assert len(scene.heard) == 1
            await scene.press("f8")
            assert isinstance(scene.app.screen, Answering)
            assert "cold" in screen_text(scene.app)
            await scene.press("escape")
        # the same call once more: the server's ids follow from its seed
        async with serving() as again, journey(again, state=tmp_path, create=CREATE) as scene:
            await scene.say(QUESTION)
            await scene.press("f8")
            assert "cold" in screen_text(scene.app)
            await scene.press("f5")
            await scene.turn_ended(2)
            assert scene.heard_last["input"][0]["output"] == "cold"
        async with serving() as third, journey(third, state=tmp_path, create=CREATE) as scene:
            await scene.say(QUESTION)
            await scene.press("f8")
            assert "cold" not in screen_text(scene.app)


async def test_raw_text_of_an_answer_is_kept_as_raw_text(tmp_path: Path) -> None:
    async with serving() as server, journey(server, state=tmp_path, create=CREATE) as scene:
        await scene.say(QUESTION)
        await scene.press("f8", "ctrl+t", *"[1,", "escape", "f8")
        assert "[1," in screen_text(scene.app)
        await scene.press("ctrl+end", *"2]", "f5")
        await scene.turn_ended(2)
        assert scene.heard_last["input"][0]["output"] == "[1,2]"


async def test_what_is_kept_is_the_owners_alone_and_holds_no_key(tmp_path: Path) -> None:
    key = "sk-proj-0123456789abcdefghijABCDEFGHIJ"
    async with serving() as server, journey(server, state=tmp_path) as scene:
        await scene.say(f"my key is {key}")
        await scene.write(f"and again {key}")
        scene.screen.tick()
    kept = files(tmp_path)
    assert len(kept) == 2
    for path in kept:
        assert key not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0


async def test_a_folder_that_cannot_be_written_is_told_and_nothing_else_breaks(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    async with serving() as server, journey(server, state=blocked / "state") as scene:
        await scene.say("Hello.")
        await scene.say("Again.")
        assert [turn.status for turn in scene.screen.inspector.sessions.turns] == ["completed", "completed"]
