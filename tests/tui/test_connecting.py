"""Sockets opened, ended and changed by hand, against the real fake server and its faults."""

from __future__ import annotations

from sessions.compose import Create
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind
from sessions.session import Phase
from sessions.settings import load
from sessions.wire.clock import SystemClock
from sessions.wire.plan import plan_from
from tests.journey import MODEL, journey, serving
from tests.make import Wire
from tests.scene import NO_SETTINGS, Scene, playing, talking
from tests.screen import screen_text
from tui.app import TurnscopeApp
from tui.launch import Launch, profile_facts
from tui.screens.choose import Choose
from tui.screens.session import SessionScreen
from tui.sockets import Sockets
from tui.widgets.connections import Connections
from tui.widgets.trouble import Trouble
from tui.widgets.views import Views


async def test_stopping_says_what_it_costs_and_esc_leaves_the_socket_open() -> None:
    async with talking(rate=5) as scene:
        await scene.press("escape")
        assert "X stop" not in screen_text(scene.app)  # nothing runs
        await scene.press("X")
        assert not isinstance(scene.app.screen, Choose)
        await scene.press("i", *"Go.", "enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        await scene.press("escape")
        await scene.shows("X stop")
        await scene.press("X")
        assert isinstance(scene.app.screen, Choose)
        assert "no cancel in this protocol" in screen_text(scene.app)
        await scene.press("escape")
        assert scene.screen.sockets.is_live(1)
        await scene.press("X", "2", "enter")
        await scene.until(lambda: not scene.screen.sockets.is_live(1))
        await scene.until(lambda: scene.screen.query_one(Trouble).report)


async def test_after_a_lost_socket_a_way_on_opens_a_new_one_and_sends_nothing() -> None:
    async with talking(faults=("abort-mid-stream@2",)) as scene:
        await scene.write("Remember the word heliotrope.")
        await scene.press("enter")
        await scene.turn_ended(1)
        await scene.write("Tell me something long.")
        await scene.press("enter")
        await scene.turn_ended(2)
        await scene.until(lambda: scene.screen.ways_on.is_due)
        await scene.press("f9")
        assert "ways on" in screen_text(scene.app)
        count = len(scene.screen.inspector.sessions.turns)
        await scene.press("1", "enter")
        await scene.until(lambda: scene.screen.number == 2 and scene.screen.session is not None)
        await scene.until(lambda: scene.screen.outgoing.turn == 1)
        assert len(scene.screen.inspector.sessions.turns) == count
        await scene.write("Which word?")
        await scene.press("enter")
        await scene.turn_ended(count + 1)
        assert "heliotrope" in scene.screen.inspector.sessions.turns[-1].responses[0].text


async def test_the_bare_403_is_explained_and_one_key_gets_through_it() -> None:
    async with talking(faults=("403-without-model",)) as scene:
        await scene.until(lambda: scene.screen.query_one(Trouble).report)
        shown = screen_text(scene.app)
        assert "forbidden" in shown
        assert "was accepted" in shown
        await scene.press("escape", "M")
        await scene.until(lambda: scene.screen.session is not None and scene.screen.session.phase == "open")
        known = scene.screen.inspector.sessions.sessions
        assert list(known) == [1, 2, 3]
        assert "model=" in known[2].url  # tried by itself, and told
        assert known[2].phase is Phase.CLOSED
        assert scene.screen.number == 3
        assert "model=" in known[3].url


async def test_the_url_never_gets_a_model_that_was_guessed() -> None:
    async with talking(faults=("403-without-model",)) as scene:
        await scene.until(lambda: scene.screen.query_one(Trouble).report)
        scene.screen.outgoing.change(model="")
        await scene.press("escape", "M")
        await scene.shows("which model?")
        assert list(scene.screen.inspector.sessions.sessions) == [1, 2]  # 2: the try that was told
        await scene.press("escape")
        assert list(scene.screen.inspector.sessions.sessions) == [1, 2]


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


async def test_a_running_answer_is_stopped_only_after_its_cost_was_told() -> None:
    create = Create(model=MODEL, store=False)
    async with serving(think_ms=4_000.0) as server, journey(server, create=create) as scene:
        await scene.write("Tell me something.")
        await scene.press("enter")
        await scene.until(lambda: scene.screen.sending.steerable is not None)
        await scene.press("escape", "X")
        await scene.shows("stop T1")
        assert "no cancel in this protocol" in screen_text(scene.app)
        await scene.press("enter")  # the safe choice is marked
        assert scene.screen.sockets.is_live(1)
        await scene.press("X", "2", "enter")
        await scene.until(lambda: not scene.screen.sockets.is_live(1))
        await scene.until(lambda: not scene.screen.inspector.sessions.turns[0].is_live)
        assert scene.screen.inspector.sessions.turns[0].status == "cut"
        assert server.log[0].close_received == (1000, "")
        assert len(server.log) == 1


async def test_a_refused_opening_is_told_and_opened_again_by_hand() -> None:
    async with serving(faults=("503@1",)) as server, journey(server) as scene:
        await scene.until(lambda: scene.screen.query_one(Trouble).display)
        report = scene.screen.query_one(Trouble).report
        assert report is not None
        assert "503" in report.text()
        assert len(server.log) == 1
        await scene.press("escape", "c", "1", "enter")
        await scene.until(lambda: scene.screen.number == 2)
        await scene.is_open()
        await scene.press("i")
        await scene.say("Hello.")
        assert scene.screen.inspector.sessions.turns[0].status == "completed"
        assert not scene.screen.query_one(Trouble).display


async def test_one_key_retries_the_bare_403_with_the_model_in_the_url() -> None:
    async with serving(faults=("403-without-model",)) as server, journey(server) as scene:
        await scene.shows("was accepted")
        before = len(server.log)
        await scene.press("escape", "M")
        await scene.until(lambda: scene.screen.number == 3)
        await scene.is_open()
        assert [target for _, target, _ in server.log[-1].requests] == [f"/v1/responses?model={MODEL}"]
        assert len(server.log) == before + 1
        await scene.press("i")
        await scene.say("Hello.")
        assert scene.heard_last["model"] == MODEL


async def test_in_the_list_a_stop_means_the_chosen_connection() -> None:
    async with serving() as server, journey(server, names=("alpha", "beta")) as run:
        known = run.screen.inspector.sessions.sessions
        await run.until(lambda: [one.phase for one in known.values()] == [Phase.OPEN] * 2)
        other = next(tab.number for tab in run.screen.tabs.all if tab.name == "beta")
        await run.press("escape", "0")
        run.screen.query_one(Connections).select_session(other)
        await run.press("X")
        await run.shows(f"close socket {other}")
        await run.press("2", "enter")
        await run.until(lambda: known[other].phase is Phase.CLOSED)
        assert run.screen.session is not None
        assert run.screen.session.phase is Phase.OPEN
        assert run.screen.tabs.front.name == "alpha"


async def test_in_the_list_what_is_not_ours_cannot_be_stopped() -> None:
    records = [Wire(1).open(), Wire(2, at=0.1).open()]
    async with playing(records, create=Create(model="m")) as scene:
        await scene.press("escape")
        assert scene.screen.connecting.meant == 1
        await scene.press("0")
        assert scene.screen.connecting.meant == 0
        assert scene.screen.check_action("stop", ()) is False


class Paced(SystemClock):
    """A clock that tells how far a screen has come instead of the time: 0, and 1 once it is laid out."""

    screen: SessionScreen | None = None

    def elapsed(self) -> float:
        """1.0 from the first picture on."""
        return float(self.screen is not None and bool(self.screen.query_one(Views).size.width))


async def test_the_first_picture_is_no_part_of_what_the_handshake_took() -> None:
    async with serving() as server:
        settings = load({"base_url": server.base_url, "profile": "fake"}, NO_SETTINGS)
        inspector = Inspector(Recording.create(None, source="test"))
        plan = plan_from(settings, {})
        launch = Launch(
            plan=plan, settings=settings, create=Create(model=MODEL), profile=profile_facts(settings)
        )
        clock = Paced()
        screen = clock.screen = SessionScreen(inspector, Sockets(inspector, clock), launch)
        app = TurnscopeApp(lambda: screen)
        async with app.run_test() as pilot:
            scene = Scene(app, screen, pilot)
            await scene.until(lambda: len(inspector.recording))
            opened = inspector.recording.record(0)
            assert (opened.kind, opened.elapsed) == (Kind.OPEN, 1.0)
            assert (opened.meta["tcp_ms"], opened.meta["upgrade_ms"]) == (0.0, 0.0)
            await screen.sockets.close_all()
