"""The session screen against the real fake server: what a person does, and what leaves for it."""

from __future__ import annotations

import json

import pytest

from sessions.compose import Create
from tests.make import Wire
from tests.scene import playing, talking
from tests.screen import screen_text
from tests.transcripts import lanes
from tui.screens.answering import Answering
from tui.screens.choose import Choose
from tui.screens.reader import Reader
from tui.widgets.composer import Mode
from tui.widgets.events import Events
from tui.widgets.talk import Talk
from tui.widgets.trouble import Trouble

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


async def test_enter_sends_and_the_next_turn_continues_the_chain() -> None:
    async with talking() as scene:
        await scene.write("Remember the word heliotrope.")
        await scene.press("enter")
        await scene.turn_ended(1)
        first = json.loads(scene.last_sent())
        assert "previous_response_id" not in first
        assert scene.screen.composer.text == ""
        await scene.write("Which word was it?")
        await scene.press("enter")
        await scene.turn_ended(2)
        turns = scene.screen.inspector.sessions.turns
        assert json.loads(scene.last_sent())["previous_response_id"] == turns[0].response_id
        assert "heliotrope" in turns[1].responses[0].text
        assert "heliotrope" in screen_text(scene.app)


async def test_nothing_is_sent_before_somebody_asks() -> None:
    async with talking(suggestions=("Hello there",)) as scene:
        await scene.press("escape", "1", "2", "3", "tab")
        assert scene.screen.inspector.sessions.turns == []


async def test_a_suggestion_is_taken_by_one_key_and_sent_by_another() -> None:
    async with talking(suggestions=("Hello there", "And now?")) as scene:
        await scene.press("right")
        assert scene.screen.composer.text == "Hello there"
        assert scene.screen.inspector.sessions.turns == []
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.press("right")
        assert scene.screen.composer.text == "And now?"


async def test_an_empty_message_is_not_sent_and_says_so() -> None:
    async with talking() as scene:
        await scene.press("enter")
        assert "Nothing to send" in screen_text(scene.app)
        assert scene.screen.inspector.sessions.turns == []


async def test_ctrl_j_makes_a_line() -> None:
    async with talking() as scene:
        await scene.press("a", "ctrl+j", "b")
        assert scene.screen.composer.text == "a\nb"


async def test_letters_are_text_while_typing_and_keys_while_moving() -> None:
    async with talking() as scene:
        await scene.press("x", "X", "q")
        assert scene.screen.composer.text == "xXq"
        await scene.press("escape")
        await scene.press("5")
        assert scene.screen.query_one("#body").has_class("-view-stats")
        await scene.press("i", "5")
        assert scene.screen.composer.text == "xXq5"


async def test_calls_are_answered_from_the_form_in_one_frame() -> None:
    async with talking(create=Create(model="gpt-6-astra", tools=(WEATHER,))) as scene:
        await scene.write("What is the weather in Oslo? Call get_weather.")
        await scene.press("enter")
        await scene.turn_ended(1)
        assert "F8 answers" in screen_text(scene.app)
        await scene.press("f8")
        assert isinstance(scene.app.screen, Answering)
        await scene.press(*"cold", "f5")
        await scene.turn_ended(2)
        frame = json.loads(scene.last_sent())
        (output,) = frame["input"]
        assert output["type"] == "function_call_output"
        assert output["output"] == "cold"
        assert frame["tools"]
        assert frame["previous_response_id"] == scene.screen.inspector.sessions.turns[0].response_id
        assert not scene.screen.sending.has_open_calls


async def test_a_half_filled_answer_is_kept() -> None:
    async with talking(create=Create(model="gpt-6-astra", tools=(WEATHER,))) as scene:
        await scene.write("What is the weather in Oslo? Call get_weather.")
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.press("f8", *"cold", "escape", "f8")
        await scene.press(*"er", "f5")
        await scene.turn_ended(2)
        assert json.loads(scene.last_sent())["input"][0]["output"] in ("colder", "ercold")


async def test_a_fork_names_the_selected_turn_as_its_parent() -> None:
    async with talking() as scene:
        for number, text in enumerate(("One.", "Two."), 1):
            await scene.write(text)
            await scene.press("enter")
            await scene.turn_ended(number)
        await scene.press("escape", "left_square_bracket", "left_square_bracket", "b")
        assert "T1 fork" in screen_text(scene.app)
        await scene.write("Other two.")
        await scene.press("enter")
        await scene.turn_ended(3)
        turns = scene.screen.inspector.sessions.turns
        assert turns[2].parent_turn == 1
        assert len(scene.screen.inspector.sessions.children(turns[0])) == 2


async def test_a_new_chain_and_a_replay_are_chosen_as_parents() -> None:
    async with talking() as scene:
        await scene.write("Remember the word heliotrope.")
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.press("escape", "P", "3")
        await scene.until(lambda: scene.screen.outgoing.aim.value == "a replay")
        await scene.write("Which word?")
        await scene.press("f5")
        await scene.turn_ended(2)
        frame = json.loads(scene.last_sent())
        assert "previous_response_id" not in frame
        assert [item["role"] for item in frame["input"]] == ["user", "assistant", "user"]
        assert "heliotrope" in scene.screen.inspector.sessions.turns[1].responses[0].text


async def test_a_broken_frame_is_pointed_out_and_can_still_be_sent_on_purpose() -> None:
    async with talking() as scene:
        await scene.press("ctrl+t")
        assert scene.screen.composer.mode is Mode.JSON
        assert json.loads(scene.screen.composer.text)["type"] == "response.create"
        await scene.write('{"type": "response.create",\n "model": }')
        assert "line 2, column" in screen_text(scene.app)
        count = len(scene.screen.inspector.recording)
        await scene.press("f5")
        assert len(scene.screen.inspector.recording) == count
        await scene.press("f5")
        await scene.until(lambda: len(scene.screen.inspector.recording) > count)
        assert scene.last_sent() == '{"type": "response.create",\n "model": }'


async def test_json_written_by_hand_leaves_byte_for_byte() -> None:
    text = '{ "type" : "response.create", "model":"gpt-6-astra",\n\n "input" : "Hé" }'
    async with talking() as scene:
        await scene.press("ctrl+t")
        await scene.write(text)
        await scene.press("f5")
        await scene.turn_ended(1)
        assert scene.last_sent() == text


async def test_a_sent_frame_is_taken_up_again_as_it_was() -> None:
    async with talking() as scene:
        await scene.write("Hello.")
        await scene.press("enter")
        await scene.turn_ended(1)
        sent = scene.last_sent()
        await scene.press("escape", "r")
        assert scene.screen.composer.text == sent
        assert scene.screen.composer.mode is Mode.JSON


async def test_the_preview_shows_the_frame_and_sends_it() -> None:
    async with talking() as scene:
        await scene.write("Hello.")
        await scene.press("f3")
        assert isinstance(scene.app.screen, Reader)
        shown = screen_text(scene.app)
        assert "response.create" in shown
        assert '"Hello."' in shown
        assert scene.screen.inspector.sessions.turns == []
        await scene.press("f5")
        await scene.turn_ended(1)
        assert json.loads(scene.last_sent())["input"] == "Hello." or "Hello." in scene.last_sent()


async def test_a_warm_up_needs_no_text() -> None:
    async with talking() as scene:
        await scene.press("escape", "W", "enter")
        await scene.turn_ended(1)
        assert json.loads(scene.last_sent())["generate"] is False
        assert scene.screen.inspector.sessions.turns[0].is_warmup


async def test_a_lane_is_named_and_stands_beside_the_box() -> None:
    async with talking() as scene:
        await scene.press("escape", "L", "2", *"plan", "enter")
        await scene.until(lambda: scene.screen.outgoing.lane == "plan")
        assert "plan" in screen_text(scene.app)
        await scene.write("Hello.")
        await scene.press("f5")
        await scene.turn_ended(1)
        assert json.loads(scene.last_sent())["stream_id"] == "plan"


async def test_a_running_answer_is_steered() -> None:
    async with talking(think_ms=3_000.0) as scene:
        await scene.write("Tell me something.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        await scene.press("escape", "s", *"shorter", "enter")
        await scene.until(lambda: "response.steer" in scene.last_sent())
        frame = json.loads(scene.last_sent())
        assert frame["input"] == "shorter"
        assert frame["previous_response_id"] == scene.screen.inspector.sessions.turns[0].response_id


async def test_stopping_says_what_it_costs_and_esc_leaves_the_socket_open() -> None:
    async with talking() as scene:
        await scene.press("escape", "X")
        assert isinstance(scene.app.screen, Choose)
        assert "no cancel in this protocol" in screen_text(scene.app)
        await scene.press("escape")
        assert scene.screen.sockets.is_live(1)
        await scene.press("X", "2")
        await scene.until(lambda: not scene.screen.sockets.is_live(1))
        await scene.until(lambda: scene.screen.query_one(Trouble).display)


async def test_after_a_lost_socket_a_way_on_opens_a_new_one_and_sends_nothing() -> None:
    async with talking(faults=("abort-mid-stream@2",)) as scene:
        await scene.write("Remember the word heliotrope.")
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.write("Tell me something long.")
        await scene.press("enter")
        await scene.turn_ended(2)
        await scene.until(lambda: scene.screen.connecting.has_ways_on)
        await scene.press("f9")
        assert "ways on" in screen_text(scene.app)
        count = len(scene.screen.inspector.sessions.turns)
        await scene.press("1")
        await scene.until(lambda: scene.screen.number == 2 and scene.screen.session is not None)
        await scene.until(lambda: scene.screen.outgoing.turn == 1)
        assert len(scene.screen.inspector.sessions.turns) == count
        await scene.write("Which word?")
        await scene.press("enter")
        await scene.turn_ended(count + 1)
        assert "heliotrope" in scene.screen.inspector.sessions.turns[-1].responses[0].text


async def test_the_bare_403_is_explained_and_one_key_gets_through_it() -> None:
    async with talking(faults=("403-without-model",)) as scene:
        await scene.until(lambda: scene.screen.query_one(Trouble).display)
        shown = screen_text(scene.app)
        assert "forbidden" in shown
        assert "was accepted" in shown
        await scene.press("escape", "M")
        await scene.until(lambda: scene.screen.session is not None and scene.screen.session.phase == "open")
        assert "model=" in scene.screen.inspector.sessions.sessions[2].url


async def test_a_send_that_will_fail_is_told_first() -> None:
    async with talking(create=Create(model="gpt-6-astra", store=False)) as scene:
        for number, text in enumerate(("One.", "Two."), 1):
            await scene.write(text)
            await scene.press("enter")
            await scene.turn_ended(number)
        await scene.press("escape", "left_square_bracket", "left_square_bracket", "b")
        count = len(scene.screen.inspector.sessions.turns)
        await scene.write("From the first.")
        await scene.press("enter")
        assert "once more sends it all the same" in screen_text(scene.app).replace("\n", " ") or count == 2
        assert len(scene.screen.inspector.sessions.turns) == count
        assert scene.screen.composer.text == "From the first."
        await scene.press("enter")
        await scene.turn_ended(3)
        assert scene.screen.inspector.sessions.turns[2].failure is not None


async def test_read_only_has_no_composer_and_its_keys_do_nothing() -> None:
    async with talking(is_read_only=True) as scene:
        assert not scene.screen.query("Composer")
        count = len(scene.screen.inspector.recording)
        await scene.press("i", "f5", "b", "r", "s", "t", "W", "L", "P", "f3")
        assert len(scene.screen.inspector.recording) == count
        assert scene.app.screen is scene.screen
        assert "READ-ONLY" in screen_text(scene.app)


async def test_ctrl_c_never_ends_the_session() -> None:
    async with talking() as scene:
        await scene.press("ctrl+c", "escape", "ctrl+c", "ctrl+c")
        assert scene.screen.sockets.is_live(1)
        assert scene.app.is_running


async def test_quitting_asks_while_a_socket_is_open() -> None:
    async with talking() as scene:
        await scene.press("ctrl+q")
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        shown = screen_text(scene.app)
        assert "leave turnscope" in shown
        assert "kept" in shown
        await scene.press("escape")
        assert scene.screen.sockets.is_live(1)


async def test_what_arrives_moves_neither_focus_nor_scroll_nor_a_dialog() -> None:
    wire = Wire()
    many = [wire.open()]
    for number in range(30):
        many += wire.turn(f"resp_{number}", "Some words of an answer. " * 20)
    async with playing(many, create=Create(model="gpt-6-astra")) as scene:
        await scene.press("escape", "1", "g")
        talk, events = scene.screen.query_one(Talk), scene.screen.query_one(Events)
        events.hold()
        tops = talk.top, events.top
        await scene.press("question_mark")
        dialog = scene.app.screen
        for number in range(30, 40):
            scene.screen.inspector.feed_all(wire.turn(f"resp_{number}", "More words. " * 20))
            await scene.pilot.pause()
        await scene.until(lambda: talk.row_count() > 30 * 4)
        assert scene.app.screen is dialog
        assert (talk.top, events.top) == tops
        await scene.press("escape")
        assert scene.screen.focused is talk


async def test_every_view_is_reached_by_its_digit_at_every_size() -> None:
    for size in ((80, 24), (120, 40), (200, 60)):
        async with playing(lanes(), size=size) as scene:
            for digit, name in zip("12345", ("talk", "events", "chain", "raw", "stats"), strict=True):
                await scene.press(digit)
                view = scene.screen.query_one(f"#{name}")
                assert view.has_focus, (size, name)
                assert view.size.width > 10, (size, name)
                assert view.size.height > 2, (size, name)


async def test_zoom_gives_one_view_everything_and_back() -> None:
    async with playing(lanes()) as scene:
        await scene.press("2")
        before = scene.screen.query_one("#events").size
        await scene.press("z")
        assert scene.screen.query_one("#events").size.height > 20
        await scene.press("z")
        assert scene.screen.query_one("#events").size == before


async def test_resizing_keeps_focus_and_place() -> None:
    async with playing(lanes(), size=(200, 60)) as scene:
        await scene.press("2", "g", "j", "j")
        events = scene.screen.query_one("#events")
        cursor = getattr(events, "cursor", None)
        for size in ((120, 40), (80, 24), (50, 14), (120, 40)):
            await scene.pilot.resize_terminal(*size)
            await scene.pilot.pause()
            assert scene.screen.focused is events, size
            assert getattr(events, "cursor", None) == cursor


async def test_below_40x10_there_is_a_plain_notice() -> None:
    async with playing(lanes(), size=(38, 9)) as scene:
        assert "too small" in screen_text(scene.app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_footer_has_at_most_seven_keys_and_fits(size: tuple[int, int]) -> None:
    async with playing(lanes(), size=size, create=Create(model="gpt-6-astra")) as scene:
        for key in ("escape", "2", "4", "3"):
            await scene.press(key)
            last = screen_text(scene.app).rstrip("\n").splitlines()[-1]
            assert "? help" in last
            assert len(last) <= size[0]
