"""openai-python's synchronous `responses.connect()`: conversations over one socket, a scene per argument."""

from openai import OpenAI
from openai_typed import Examiner
from turns import MODEL, WEATHER, Ledger, report, scene_of


class Talk:
    """One socket of the library, and what was seen on it."""

    def __init__(self, connection):
        self.connection = connection
        self.ledger = Ledger()
        self.examiner = Examiner()

    def read(self):
        """The next event, as the library gives it; noted and held against the library's types."""
        data = self.connection.recv_bytes()
        self.examiner.examine(data)
        event = self.connection.parse_event(data)
        self.ended = self.ledger.note(event.to_dict())
        return event

    def finish(self):
        """Read until a response ends; its summary."""
        while True:
            event = self.read()
            if self.ended is not None:
                return self.ended
            if event.type == "error":
                return None

    def turn(self, input, **more):
        """Create a response and read it to its end."""
        self.connection.response.create(**{"model": MODEL, "store": False, "input": input, **more})
        return self.finish()


def three_turns(talk):
    """A code word is told, talked past, and asked for."""
    first = talk.turn("Remember the word heron.")
    second = talk.turn("Name two colours.", previous_response_id=first["id"])
    talk.turn("What was the word?", previous_response_id=second["id"])


def tool_call(talk):
    """A function is called, answered, and its answer used."""
    asked = talk.turn("How warm is it in Oslo? Use read_thermometer.", tools=[WEATHER])
    answers = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
        for call in asked["calls"]
    ]
    talk.turn(answers, previous_response_id=asked["id"], tools=[WEATHER])


def unanswered_call(talk):
    """A call goes unanswered: refused, and on this lane its parent is forgotten."""
    asked = talk.turn("How warm is it in Oslo? Use read_thermometer.", tools=[WEATHER])
    talk.turn("Never mind.", previous_response_id=asked["id"], tools=[WEATHER])
    talk.turn("Still there?", previous_response_id=asked["id"])


def warm_up(talk):
    """A response that generates nothing, then a turn that continues it without any input."""
    warmed = talk.turn("Say hello in one word.", generate=False)
    talk.turn([], previous_response_id=warmed["id"])


def lost_parent(talk):
    """An unknown parent is an event, not an exception; the socket goes on."""
    talk.turn("Go on.", previous_response_id="resp_never_seen")
    talk.turn("Then start anew.")


def steer(talk):
    """A running response is steered; a successor comes without being asked for."""
    talk.connection.response.create(model=MODEL, store=False, input="/long 400")
    while talk.read().type != "response.output_text.delta":
        pass
    talk.connection.response.steer(input="Make it short.", previous_response_id=talk.ledger.turns[0]["id"])
    talk.finish()
    talk.finish()


def lanes(talk):
    """Two lanes at once, then a fork from one lane into a third."""
    for lane in ("plan", "risk"):
        talk.connection.response.create(
            model=MODEL, store=False, stream_id=lane, input=f"Remember the word {lane}word."
        )
    talk.finish()
    talk.finish()
    parent = next(turn for turn in talk.ledger.turns if turn["lane"] == "plan")
    talk.turn("What was the word?", stream_id="critic", previous_response_id=parent["id"])
    talk.turn("What was the word?", stream_id="risk", previous_response_id=_head(talk, "risk"))


def _head(talk, lane):
    return [turn["id"] for turn in talk.ledger.turns if turn["lane"] == lane][-1]


def every(talk):
    """Every type of event that there is: one create, four responses, the others by steering."""
    talk.turn("/every")
    while talk.read().type != "response.steer.failed":
        pass


SCENES = {
    scene.__name__: scene
    for scene in (three_turns, tool_call, unanswered_call, warm_up, lost_parent, steer, lanes, every)
}


def main():
    """Hold the scene's conversation and report it."""
    scene, base_url = scene_of(SCENES)
    with OpenAI(base_url=base_url) as client, client.responses.connect() as connection:
        talk = Talk(connection)
        scene(talk)
    report(talk.ledger.facts(**talk.examiner.facts()))


if __name__ == "__main__":
    main()
