"""What a person has in hand stays there: while data comes in, while the window changes, at the end."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from sessions.compose import Create
from sessions.records import Record
from tests.journey import MODEL, journey, serving
from tests.make import Wire, answer, create
from tests.scene import Scene, playing
from tests.screen import screen_lines, screen_text
from tui import keys
from tui.screens.answering import Answering
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.screens.options import Options
from tui.screens.reader import Reader
from tui.widgets.chain import Chain
from tui.widgets.events import Events
from tui.widgets.pane import Pane
from tui.widgets.raw import Raw
from tui.widgets.talk import Talk

COMPOSING = Create(model=MODEL)
SIZES = ((80, 24), (120, 40), (200, 60), (50, 12), (41, 10), (30, 8), (80, 24))


def conversation(turns: int = 30) -> tuple[Wire, list[Record]]:
    """A chain of turns, and the wire on which more of them may come."""
    wire = Wire()
    records = [wire.open()]
    for number in range(turns):
        records += wire.turn(f"resp_{number}", "Some words of an answer. " * 5)
    return wire, records


def place(pane: Pane) -> tuple[int, int]:
    """Where a view stands: its first row and its cursor."""
    return pane.top, pane.cursor


@pytest.mark.parametrize(("digit", "kind"), [("1", Talk), ("2", Events), ("3", Chain), ("4", Raw)])
async def test_what_comes_in_moves_no_view_that_somebody_reads(digit: str, kind: type[Pane]) -> None:
    wire, records = conversation()
    async with playing(records, size=(200, 60), create=COMPOSING) as scene:
        await scene.press("escape", "2", "k", "k", digit, "g", "j", "j", "z")
        view = scene.screen.query_one(kind)
        before, shown = place(view), screen_lines(scene.app)[4:12]
        scene.screen.inspector.feed_all(
            record for number in range(30, 36) for record in wire.turn(f"resp_{number}", "More words. " * 9)
        )
        events = scene.screen.query_one(Events)
        await scene.until(lambda: events.row_count() > len(records))
        await scene.pilot.pause()
        assert scene.screen.focused is view
        assert place(view) == before
        assert screen_lines(scene.app)[4:12] == shown


async def test_a_following_view_follows_and_says_so_and_a_holding_one_counts() -> None:
    wire, records = conversation()
    async with playing(records, create=COMPOSING) as scene:
        await scene.press("escape", "2", "k")
        assert "holding" in screen_text(scene.app)
        scene.screen.inspector.feed_all(wire.turn("resp_30", "More words."))
        await scene.shows("holding +")
        await scene.press("G")
        assert "holding" not in "".join(screen_lines(scene.app)[20:])
        await scene.shows("resp_30")


def inside(scene: Scene) -> list[str]:
    """What stands inside the dialog on top."""
    frame = scene.app.screen.query_one(".dialog").region
    return [line[frame.x : frame.right] for line in screen_lines(scene.app)[frame.y : frame.bottom]]


@pytest.mark.parametrize(
    ("pressed", "dialog"),
    [
        (("f2",), Options),
        (("f3",), Reader),
        (("escape", "P"), Choose),
        (("escape", "L", "2", "enter"), Ask),
        (("escape", "question_mark"), Reader),
        (("escape", "x"), Ask),
    ],
)
async def test_no_dialog_is_closed_or_changed_by_what_comes_in(
    pressed: tuple[str, ...], dialog: type
) -> None:
    wire, records = conversation(3)
    async with playing(records, create=COMPOSING) as scene:
        await scene.write("Some words")
        await scene.press(*pressed)
        opened, focused = scene.app.screen, scene.app.screen.focused
        for entry in opened.query(Input):
            entry.cursor_blink = False
        await scene.pilot.pause()
        shown = inside(scene)
        assert isinstance(opened, dialog)
        scene.screen.inspector.feed_all([*wire.turn("resp_3", "More words."), wire.lost()])
        events = scene.screen.query_one(Events)
        await scene.until(lambda: events.row_count() > len(records))
        await scene.pilot.pause()
        assert scene.app.screen is opened
        assert opened.focused is focused
        assert inside(scene) == shown
        await scene.press("escape")
        assert scene.app.screen is scene.screen
        assert scene.screen.composer.text == "Some words"


async def test_what_is_typed_while_an_answer_streams_arrives_whole() -> None:
    async with serving(rate=2_000.0) as server, journey(server) as scene:
        await scene.write("/flood 400")
        await scene.press("enter")
        await scene.press(*"typed meanwhile")
        assert scene.screen.focused is scene.screen.composer.box
        await scene.turn_ended(1)
        assert scene.screen.composer.text == "typed meanwhile"
        assert len(scene.heard) == 1


@pytest.mark.parametrize("digit", ["1", "2", "5"])
async def test_the_window_may_have_any_size_and_the_place_stays(digit: str) -> None:
    _, records = conversation(12)
    async with playing(records, size=SIZES[0], create=COMPOSING) as scene:
        await scene.write("A draft")
        await scene.press("escape", "2", "g", "j", "j", "j", digit)
        focused = scene.screen.focused
        events = scene.screen.query_one(Events)
        cursor, selected = events.cursor, scene.screen.selection.record
        for size in SIZES[1:]:
            await scene.pilot.resize_terminal(*size)
            await scene.pilot.pause()
            assert scene.screen.focused is focused, size
            assert (events.cursor, scene.screen.selection.record) == (cursor, selected), size
            assert all(len(line) <= size[0] for line in screen_lines(scene.app)), size
        assert scene.screen.composer.text == "A draft"


async def test_the_message_box_stays_in_hand_at_any_size() -> None:
    _, records = conversation(3)
    async with playing(records, size=SIZES[0], create=COMPOSING) as scene:
        await scene.press(*"A draft")
        for size in SIZES[1:]:
            await scene.pilot.resize_terminal(*size)
            await scene.press("x")
            assert scene.screen.focused is scene.screen.composer.box, size
        assert scene.screen.composer.text == "A draft" + "x" * len(SIZES[1:])


async def test_a_form_half_filled_in_survives_a_smaller_window() -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    create_tools = Create(model=MODEL, tools=(tool,))
    async with serving() as server, journey(server, create=create_tools) as scene:
        await scene.say("Call get_weather.")
        await scene.press("f8", *"co")
        for size in ((50, 12), (200, 60), (80, 24)):
            await scene.pilot.resize_terminal(*size)
            await scene.pilot.pause()
        assert isinstance(scene.app.screen, Answering)
        await scene.press(*"ld", "f5")
        await scene.turn_ended(2)
        assert scene.heard_last["input"][0]["output"] == "cold"


async def test_ctrl_c_ends_nothing_anywhere() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.write("A draft")
        for pressed in ((), ("escape",), ("question_mark",), ("escape", "P"), ("escape", "x")):
            await scene.press(*pressed, "ctrl+c", "ctrl+c")
            assert scene.app.is_running
            assert scene.screen.sockets.is_live(1)
        assert scene.screen.composer.text == "A draft"


@pytest.mark.parametrize("key", ["ctrl+q", "q"])
async def test_leaving_asks_says_what_is_kept_and_closes_with_a_handshake(key: str) -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Hello.")
        await scene.press("escape", key)
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        shown = screen_text(scene.app)
        assert "Not kept" in shown
        await scene.press("enter")  # the safe choice is marked
        assert scene.app.screen is scene.screen
        assert scene.screen.sockets.is_live(1)
        await scene.press(key)
        await scene.until(lambda: isinstance(scene.app.screen, Choose))
        await scene.press("2", "enter")
        await scene.until(lambda: not scene.screen.sockets.is_live(1))
        await scene.until(lambda: server.log[0].is_over)
        assert server.log[0].close_received == (1000, "")


async def test_a_letter_alone_sends_closes_and_deletes_nothing() -> None:
    async with serving() as server, journey(server) as scene:
        await scene.say("Hello.")
        await scene.write("A draft")
        await scene.press("escape")
        acting = [key for one in keys.ACTIONS if one.where is keys.Where.MOVING for key in keys.keys_of(one)]
        for letter in [key for key in acting if len(key) == 1 and key.isalpha()]:
            if letter in "iS":  # the message box would take the next ones as text; a picture is a file
                continue
            await scene.pilot.press(letter)
            while scene.app.screen is not scene.screen:
                await scene.pilot.press("escape")
            if scene.screen.focused is scene.screen.composer.box:
                await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert len(scene.heard) == 1
        assert scene.screen.sockets.open_sessions == (1,)
        assert len(server.log) == 1


async def test_an_answer_of_a_running_turn_is_not_taken_for_its_end() -> None:
    wire = Wire()
    async with playing([wire.open(), wire.sent(create()), *wire.got_all(answer("resp_1")[:6])]) as scene:
        await scene.shows("T1")
        assert "completed" not in screen_text(scene.app)
        scene.screen.inspector.feed_all(wire.got_all(answer("resp_1")[6:]))
        await scene.shows("completed")
