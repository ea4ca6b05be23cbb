"""openai-python's asynchronous `responses.connect()`: conversations over one socket, a scene per argument."""

import asyncio

from openai import AsyncOpenAI
from openai_typed import Examiner
from turns import MODEL, WEATHER, Ledger, report, scene_of


class Talk:
    """One socket of the library, and what was seen on it."""

    def __init__(self, connection):
        self.connection = connection
        self.ledger = Ledger()
        self.examiner = Examiner()

    async def finish(self):
        """Read until a response ends; its summary, or None after an error."""
        while True:
            data = await self.connection.recv_bytes()
            self.examiner.examine(data)
            event = self.connection.parse_event(data)
            ended = self.ledger.note(event.to_dict())
            if ended is not None or event.type == "error":
                return ended

    async def turn(self, input, **more):
        """Create a response and read it to its end."""
        await self.connection.response.create(**{"model": MODEL, "store": False, "input": input, **more})
        return await self.finish()


async def tool_conversation(talk):
    """Three turns: a code word told, a function called and answered, the word asked for."""
    first = await talk.turn("Remember the word heron.")
    asked = await talk.turn(
        "How warm is it in Oslo? Use read_thermometer.", tools=[WEATHER], previous_response_id=first["id"]
    )
    answers = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
        for call in asked["calls"]
    ]
    third = await talk.turn(answers, previous_response_id=asked["id"], tools=[WEATHER])
    await talk.turn("What was the word?", previous_response_id=third["id"])


async def lanes(talk):
    """Two lanes at once, each with a conversation of its own."""
    for lane in ("plan", "risk"):
        await talk.connection.response.create(
            model=MODEL,
            store=False,
            stream_id=lane,
            input=f"Remember the word {lane}ling.",
        )
    heads = [await talk.finish(), await talk.finish()]
    for head in heads:
        await talk.connection.response.create(
            model=MODEL,
            store=False,
            stream_id=head["lane"],
            previous_response_id=head["id"],
            input="What was the word?",
        )
    await talk.finish()
    await talk.finish()


SCENES = {scene.__name__: scene for scene in (tool_conversation, lanes)}


async def main():
    """Hold the scene's conversation and report it."""
    scene, base_url = scene_of(SCENES)
    async with AsyncOpenAI(base_url=base_url) as client, client.responses.connect() as connection:
        talk = Talk(connection)
        await scene(talk)
    report(talk.ledger.facts(**talk.examiner.facts()))


if __name__ == "__main__":
    asyncio.run(main())
