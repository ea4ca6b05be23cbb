"""pydantic-ai over its WebSocket transport: runs with a tool, a scene per argument."""

import asyncio

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from turns import MODEL, report, scene_of


def _agent(base_url):
    provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=base_url, max_retries=0))
    model = OpenAIResponsesModel(MODEL, provider=provider)
    agent = Agent(model, model_settings={"openai_transport": "websocket"})

    @agent.tool_plain
    def read_thermometer(city: str) -> str:
        """The temperature in a city, in degrees Celsius."""
        return f"3 degrees in {city}"

    return agent


async def tool_run(base_url):
    """A run that calls the tool, and a second one with the first's messages."""
    agent = _agent(base_url)
    async with agent:
        first = await agent.run("Remember the word heron. How warm is it in Oslo? Use read_thermometer.")
        second = await agent.run("What was the word?", message_history=first.all_messages())
    return {"outputs": [first.output, second.output]}


async def three_at_once(base_url):
    """Three runs at the same time, of one agent."""
    agent = _agent(base_url)
    async with agent:
        runs = await asyncio.gather(*(agent.run(f"Remember the word {word}.") for word in ("a", "b", "c")))
    return {"outputs": [run.output for run in runs]}


SCENES = {scene.__name__: scene for scene in (tool_run, three_at_once)}


def main():
    """Play the scene and report it."""
    scene, base_url = scene_of(SCENES)
    report(asyncio.run(scene(base_url)))


if __name__ == "__main__":
    main()
