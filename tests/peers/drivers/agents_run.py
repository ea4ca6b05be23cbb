"""openai-agents over its WebSocket transport: runs with a function tool, a scene per argument."""

import asyncio
import os

from agents import (
    Agent,
    Runner,
    function_tool,
    responses_websocket_session,
    set_default_openai_api,
    set_default_openai_client,
    set_default_openai_responses_transport,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from turns import MODEL, report, scene_of

asked_cities = []


@function_tool
def read_thermometer(city: str) -> str:
    """The temperature in a city, in degrees Celsius."""
    asked_cities.append(city)
    return f"3 degrees in {city}"


def _agent():
    return Agent(name="Porter", instructions="Answer briefly.", model=MODEL, tools=[read_thermometer])


def _facts(result):
    return {
        "output": result.final_output,
        "items": [item.type for item in result.new_items],
        "responses": [response.response_id for response in result.raw_responses],
        "tokens": result.context_wrapper.usage.total_tokens,
    }


async def tool_run():
    """One run in which the model calls the tool and uses its answer."""
    result = await Runner.run(_agent(), "How warm is it in Oslo? Use read_thermometer.")
    return {**_facts(result), "cities": asked_cities}


async def chained_run():
    """Two runs on one socket, chained by the library with previous_response_id."""
    async with responses_websocket_session() as session:
        agent = _agent()
        first = await session.run(agent, "Remember the word heron.", auto_previous_response_id=True)
        second = await session.run(agent, "What was the word?", previous_response_id=first.last_response_id)
    return {"runs": [_facts(first), _facts(second)]}


async def streamed_run():
    """A run whose events are streamed to the caller."""
    result = Runner.run_streamed(_agent(), "How warm is it in Oslo? Use read_thermometer.")
    kinds = [event.data.type async for event in result.stream_events() if event.type == "raw_response_event"]
    return {**_facts(result), "kinds": kinds, "cities": asked_cities}


SCENES = {scene.__name__: scene for scene in (tool_run, chained_run, streamed_run)}


async def main():
    """Play the scene and report it."""
    scene, base_url = scene_of(SCENES)
    os.environ["OPENAI_BASE_URL"] = base_url
    set_tracing_disabled(True)
    set_default_openai_client(AsyncOpenAI(base_url=base_url, max_retries=0), use_for_tracing=False)
    set_default_openai_api("responses")
    set_default_openai_responses_transport("websocket")
    report(await scene())


if __name__ == "__main__":
    asyncio.run(main())
