"""Many turns by hand: every kind of create that a person can make, as the server heard it."""

from __future__ import annotations

import json

import pytest

from sessions.compose import Create
from tests.journey import MODEL, journey, serving
from tests.screen import screen_lines, screen_text
from tests.sessions.wire_servers import connect_proxy
from tui.screens.answering import Answering
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.screens.reader import Reader
from tui.widgets.chain import Chain
from tui.widgets.composer import Mode

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city today.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
TIDE = {**WEATHER, "name": "get_tide", "description": "The tide of a city today."}
TIDES = {"type": "mcp", "server_label": "tides", "server_url": "https://tides.example/mcp"}


async def test_the_chain_fills_in_its_parent_a_fork_its_own_and_a_new_chain_none() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.say("Which word was it?")
        first, second = (turn.response_id for turn in scene.screen.inspector.sessions.turns)
        assert [json.loads(frame).get("previous_response_id") for frame in scene.heard] == [None, first]
        await scene.press("escape", "left_square_bracket", "left_square_bracket", "b")
        assert scene.screen.focused is scene.screen.composer.box
        await scene.say("Say it once more.")
        assert scene.heard_last["previous_response_id"] == first
        await scene.press("escape", "P", "2", "enter")
        await scene.shows("new chain")
        await scene.press("i")
        await scene.say("Which word was it?")
        assert "previous_response_id" not in scene.heard_last
        turns = scene.screen.inspector.sessions.turns
        assert "heliotrope" in turns[1].responses[0].text
        assert "heliotrope" not in turns[3].responses[0].text
        assert [turn.parent_turn for turn in turns] == [0, 1, 1, 0]
        assert second != first


async def test_the_chain_view_marks_what_the_next_send_will_continue() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("One.")
        await scene.say("Two.")
        assert "> o T2" in screen_text(scene.app)
        await scene.press("escape", "3", "g", "j")
        assert scene.screen.query_one(Chain).has_focus
        assert scene.screen.selection.turn == 1
        await scene.press("b")
        await scene.shows("> o T1")
        assert "> o T2" not in screen_text(scene.app)
        assert "T1 fork" in screen_text(scene.app)


async def test_without_a_store_a_replay_carries_the_reasoning_of_every_turn() -> None:
    async with serving() as server, journey(server, create=Create(model=MODEL, store=False)) as scene:
        await scene.say("Think about it first: what is 2+3?")
        first = scene.heard_last
        assert first["store"] is False
        assert first["include"] == ["reasoning.encrypted_content"]
        await scene.press("escape", "P", "3", "enter")
        await scene.shows("replay of")
        await scene.press("i")
        await scene.say("Again?")
        replay = scene.heard_last
        assert "previous_response_id" not in replay
        kinds = [item["type"] for item in replay["input"] if item["type"] != "message"]
        assert kinds == ["reasoning"]
        (reasoning,) = [item for item in replay["input"] if item["type"] == "reasoning"]
        assert reasoning["encrypted_content"]
        assert not scene.screen.inspector.sessions.turns[1].failure


async def test_a_chosen_parent_can_be_taken_back() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("One.")
        await scene.press("escape", "P")
        assert isinstance(scene.app.screen, Choose)
        await scene.press("escape", "P", "2", "enter")
        await scene.shows("none, new chain")
        await scene.press("P", "1", "enter")
        await scene.shows("T1 (")
        await scene.press("i")
        await scene.say("Two.")
        turns = scene.screen.inspector.sessions.turns
        assert scene.heard_last["previous_response_id"] == turns[0].response_id


async def test_a_broken_frame_is_held_back_once_and_then_leaves_as_it_is() -> None:
    broken = '{"type": "response.create",\n "model": "gpt-6-astra",\n "input": "Hi",,}'
    async with serving() as server, journey(server) as scene:
        await scene.press("ctrl+t")
        await scene.write(broken)
        await scene.shows("line 3, column 16")
        await scene.press("f5")
        await scene.shows("once more sends it all the same")
        assert scene.heard == []
        assert scene.screen.composer.text == broken
        await scene.press("f5")
        await scene.until(lambda: scene.heard)
        assert scene.heard == [broken]
        await scene.shows("invalid_json")


async def test_changing_a_broken_frame_takes_the_permission_back() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.press("ctrl+t")
        await scene.write("{")
        await scene.press("f5")
        await scene.write("{{")
        await scene.press("f5")
        assert scene.heard == []
        assert scene.screen.composer.text == "{{"


async def test_a_sent_frame_is_edited_and_sent_again() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.say("Which word was it?")
        await scene.press("escape", "r")
        assert scene.screen.composer.mode is Mode.JSON
        sent = scene.heard[-1]
        assert scene.screen.composer.text == sent
        edited = sent.replace("Which word was it?", "Which word did I name?")
        await scene.write(edited)
        await scene.press("f5")
        await scene.turn_ended(3)
        assert scene.heard[-1] == edited
        assert len(scene.heard) == 3


async def test_the_footer_says_which_key_sends_in_each_mode() -> None:
    async with serving() as server, journey(server) as scene:
        assert "Enter send" in screen_lines(scene.app)[-1]
        await scene.press("ctrl+t")
        assert "F5 send" in screen_lines(scene.app)[-1]
        assert "Enter send" not in screen_text(scene.app)
        await scene.press("ctrl+end", "enter")
        assert scene.heard == []
        await scene.press("ctrl+t")
        assert "Enter send" in screen_lines(scene.app)[-1]


async def test_text_becomes_json_and_comes_back() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.write("Some words")
        await scene.press("ctrl+t")
        assert json.loads(scene.screen.composer.text)["input"] == "Some words"
        await scene.press("ctrl+t")
        assert (scene.screen.composer.mode, scene.screen.composer.text) == (Mode.TEXT, "Some words")


async def test_the_previewed_frame_is_the_one_that_leaves() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.write("Hello.")
        await scene.press("f3")
        assert isinstance(scene.app.screen, Reader)
        assert '"input": "Hello."' in screen_text(scene.app)
        await scene.press("escape")
        assert scene.heard == []
        assert scene.screen.composer.text == "Hello."
        await scene.press("f3", "f5")
        await scene.turn_ended(1)
        assert scene.heard_last["input"] == "Hello."
        assert scene.screen.composer.text == ""


async def test_two_calls_are_answered_in_one_frame_from_form_and_raw_text() -> None:
    create = Create(model=MODEL, tools=(WEATHER, TIDE))
    async with serving() as server, journey(server, create=create) as scene:
        await scene.say("How is Oslo? Call both.")
        await scene.shows("2 calls wait: F8 answers")
        await scene.press("f8")
        assert isinstance(scene.app.screen, Answering)
        shown = screen_text(scene.app)
        assert "2 open on T1" in shown
        assert "get_weather" in shown
        assert "get_tide" in shown
        await scene.press(*"mild", "pagedown")
        await scene.press("ctrl+t", *'{"c":-4}', "f5")
        await scene.turn_ended(2)
        frame = scene.heard_last
        assert [item["type"] for item in frame["input"]] == ["function_call_output"] * 2
        assert [item["output"] for item in frame["input"]] == ["mild", '{"c":-4}']
        calls = [item.answer_id for item in scene.screen.inspector.sessions.turns[0].responses[0].calls]
        assert [item["call_id"] for item in frame["input"]] == calls
        assert frame["previous_response_id"] == scene.screen.inspector.sessions.turns[0].response_id
        assert frame["tools"] == [WEATHER, TIDE]
        assert scene.screen.inspector.sessions.turns[1].status == "completed"


async def test_leaving_a_call_open_is_told_before_it_is_sent() -> None:
    create = Create(model=MODEL, tools=(WEATHER, TIDE))
    async with serving() as server, journey(server, create=create) as scene:
        await scene.say("How is Oslo? Call both.")
        await scene.press("f8", "f5")
        await scene.shows("Nothing is answered yet")
        await scene.press(*"mild", "f5")
        await scene.shows("would stay open")
        assert len(scene.heard) == 1
        await scene.press("f5")
        await scene.turn_ended(2)
        assert len(scene.heard_last["input"]) == 1


@pytest.mark.parametrize(("keys", "approves"), [(("down",), True), (("down", "down"), False)])
async def test_an_mcp_call_is_approved_or_refused_by_hand(keys: tuple[str, ...], approves: bool) -> None:
    async with serving() as server, journey(server, create=Create(model=MODEL, tools=(TIDES,))) as scene:
        await scene.say("When is high tide? Ask tides.")
        await scene.shows("1 call waits")
        await scene.press("f8")
        await scene.shows("approve tide on tides")
        await scene.press("f5")
        await scene.shows("decision is needed")
        assert len(scene.heard) == 1
        for key in ("enter", *keys, "enter", "f5"):
            await scene.press(key)
        await scene.turn_ended(2)
        (answer,) = scene.heard_last["input"]
        assert answer["type"] == "mcp_approval_response"
        assert answer["approve"] is approves
        (request,) = scene.screen.inspector.sessions.turns[0].responses[0].calls
        assert answer["approval_request_id"] == request.answer_id


async def test_the_next_turn_goes_through_a_proxy_and_back() -> None:
    async with serving() as server, connect_proxy() as tunnels, journey(server) as scene:
        await scene.say("Remember the word heliotrope.")
        await scene.press("escape", "o", *f"127.0.0.1:{tunnels.port}", "enter")
        await scene.until(lambda: scene.screen.number == 2)
        await scene.is_open()
        await scene.shows("via http:")
        await scene.press("i")
        await scene.say("Which word was it?")
        turns = scene.screen.inspector.sessions.turns
        assert scene.heard_last["previous_response_id"] == turns[0].response_id
        assert [len(visit.received) for visit in server.log] == [1, 1]
        assert tunnels.targets == [f"127.0.0.1:{server.port}"]
        assert "heliotrope" in turns[1].responses[0].text
        await scene.press("escape", "o")
        await scene.until(lambda: scene.screen.number == 3)
        await scene.is_open()
        assert scene.screen.session is not None
        assert scene.screen.session.route.startswith("direct")
        assert len(tunnels.targets) == 1


async def test_a_steer_goes_to_the_running_answer_and_the_box_stays() -> None:
    async with serving(think_ms=4_000.0) as server, journey(server) as scene:
        await scene.write("Tell me something.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        await scene.write("A draft for later")
        await scene.press("escape", "s")
        assert isinstance(scene.app.screen, Ask)
        await scene.press("home", "shift+end", *"Shorter", "enter")
        await scene.until(lambda: len(scene.heard) == 2)
        assert scene.heard_last["type"] == "response.steer"
        assert scene.heard_last["input"] == "Shorter"
        assert (
            scene.heard_last["previous_response_id"] == scene.screen.inspector.sessions.turns[0].response_id
        )
        assert scene.screen.composer.text == "A draft for later"


async def test_a_warm_up_is_prepared_shown_sent_and_over() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.press("escape", "W")
        await scene.shows("warm-up")
        await scene.press("enter")
        await scene.turn_ended(1)
        assert scene.heard_last["generate"] is False
        assert scene.screen.inspector.sessions.turns[0].is_warmup
        await scene.say("Hello.")
        assert "generate" not in scene.heard_last
        assert scene.heard_last["previous_response_id"]


async def test_each_lane_has_its_own_chain() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("On the default lane.")
        await scene.press("escape", "L", "2", "enter", *"plan", "enter")
        await scene.until(lambda: scene.screen.outgoing.lane == "plan")
        await scene.press("i")
        await scene.say("On the lane plan.")
        assert scene.heard_last["stream_id"] == "plan"
        await scene.press("escape", "L", "1", "enter", "i")
        await scene.until(lambda: scene.screen.outgoing.lane is None)
        await scene.say("On the default lane again.")
        turns = scene.screen.inspector.sessions.turns
        assert "stream_id" not in scene.heard_last
        assert scene.heard_last["previous_response_id"] == turns[0].response_id


async def test_a_wrong_name_of_a_lane_is_refused_where_it_is_typed() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.press("escape", "L", "2", "enter", *"a b", "enter")
        await scene.shows("A lane's name has")
        await scene.press("escape")
        assert scene.screen.outgoing.lane is None


async def test_options_go_into_every_later_frame() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.press("f2")
        scene.app.screen.query_one("#option-instructions").focus()
        await scene.press(*"Be brief.")
        scene.app.screen.query_one("#option-max_output_tokens").focus()
        await scene.press(*"0", "f5")
        await scene.shows("not a number above 0")
        await scene.press("backspace", *"500", "f5")
        await scene.press("i")
        await scene.say("One.")
        await scene.say("Two.")
        for frame in scene.heard:
            assert json.loads(frame)["instructions"] == "Be brief."
            assert json.loads(frame)["max_output_tokens"] == 500


async def test_without_a_model_it_is_asked_for_and_nothing_is_lost() -> None:
    async with serving() as server, journey(server, create=Create()) as scene:
        await scene.write("Hello.")
        await scene.press("enter")
        await scene.shows("which model?")
        await scene.press("escape")
        assert (scene.heard, scene.screen.composer.text) == ([], "Hello.")
        await scene.press("enter")
        await scene.shows("which model?")
        await scene.press("1", "enter")
        await scene.shows("gpt-5.6")
        await scene.press("1", "enter")
        await scene.turn_ended(1)
        assert scene.heard_last["model"] == MODEL
