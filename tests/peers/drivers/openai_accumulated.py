"""openai-python's own accumulator of response streams, fed with frames: what it makes of them.

Scene `given` reads {name: [frame, ...]} from standard input. Scene `live` reads {name: prompt}, asks the
server, and reports the frames too.
"""

import json
import sys

from openai import OpenAI, omit
from openai._models import construct_type_unchecked
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponsesServerEvent
from turns import MODEL, TERMINAL, ending, report, scene_of


class Accumulated:
    """The library's reading of one response."""

    def __init__(self, response_id, lane):
        self.told = {"id": response_id, "lane": lane, "texts": {}, "arguments": {}, "final": None}
        self._state = ResponseStreamState(input_tools=omit, text_format=omit)

    def take(self, frame):
        """Feed one frame; what the library says to it is kept."""
        event = construct_type_unchecked(value=frame, type_=ResponsesServerEvent)
        for built in self._state.handle_event(event):
            if built.type == "response.output_text.delta":
                self.told["texts"][f"{built.output_index}.{built.content_index}"] = built.snapshot
            elif built.type == "response.function_call_arguments.delta":
                self.told["arguments"][str(built.output_index)] = built.snapshot
            elif built.type == "response.completed":
                self.told["final"] = ending(built.response.to_dict())


def accumulated(frames):
    """The library's reading of every response in the frames, lane by lane; None where it raised."""
    readings, open_in = [], {}
    for text in frames:
        if text == "[DONE]":  # some gateways send it, as an event stream ends
            continue
        frame = json.loads(text)
        lane, kind = frame.get("stream_id"), frame["type"]
        if kind == "response.created":
            open_in[lane] = Accumulated(frame["response"]["id"], lane)
            readings.append(open_in[lane])
        if lane not in open_in or kind == "error" or kind.startswith("response.steer"):
            continue
        try:
            open_in[lane].take(frame)
        except (RuntimeError, AttributeError, TypeError, AssertionError) as error:
            open_in[lane].told["raised"] = f"{type(error).__name__}: {error}"
            del open_in[lane]
            continue
        if kind in TERMINAL:
            del open_in[lane]
    return [reading.told for reading in readings]


def given(_):
    """Frames from standard input."""
    return {name: accumulated(frames) for name, frames in json.load(sys.stdin).items()}


def live(base_url):
    """One turn per prompt on one socket, each read to the end of its last response."""
    told = {}
    with OpenAI(base_url=base_url) as client, client.responses.connect() as connection:
        for name, prompt in json.load(sys.stdin).items():
            connection.response.create(model=MODEL, store=False, **prompt)
            frames = []
            while True:
                frames.append(connection.recv_bytes().decode())
                if json.loads(frames[-1])["type"] in TERMINAL:
                    break
            told[name] = {"frames": frames, "responses": accumulated(frames)}
    return told


SCENES = {"given": given, "live": live}


def main():
    """Play the scene and report it."""
    scene, base_url = scene_of(SCENES)
    report(scene(base_url))


if __name__ == "__main__":
    main()
