"""What a client saw, as plain facts: one summary per response, from the events of one socket or stream.

Shared by the drivers, which run in foreign environments. Standard library only; imports nothing of turnscope,
so that its reading of the events is independent of ours.
"""

import json
import sys

TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class Ledger:
    """Summaries of the responses that one client saw, in the order of their creation."""

    def __init__(self):
        self.turns = []
        self.errors = []
        self.others = []  # events that belong to no response: steering, vendors' own
        self._open = {}  # lane -> summary

    def note(self, event):
        """Take one event in, as a dict; the response it ended, or None."""
        kind, lane = event["type"], event.get("stream_id")
        if kind == "error":
            self.errors.append(event)
            return None
        if kind == "response.created":
            response = event["response"]
            self._open[lane] = {
                "id": response["id"],
                "previous_response_id": response.get("previous_response_id"),
                "lane": lane,
                "text": "",
                "refusal": "",
                "arguments": {},
                "types": [],
                "numbers": [],
                "status": None,
            }
            self.turns.append(self._open[lane])
        turn = self._open.get(lane)
        if turn is not None and "sequence_number" in event:
            turn["numbers"].append(event["sequence_number"])
        if turn is None or kind.startswith("response.steer"):
            self.others.append(event)
            return None
        turn["types"].append(kind)
        if kind == "response.output_text.delta":
            turn["text"] += event["delta"]
        elif kind == "response.refusal.delta":
            turn["refusal"] += event["delta"]
        elif kind == "response.function_call_arguments.delta":
            arguments = turn["arguments"]
            arguments[event["item_id"]] = arguments.get(event["item_id"], "") + event["delta"]
        elif kind in TERMINAL:
            turn.update(ending(event["response"]))
            return self._open.pop(lane)
        return None

    def facts(self, **more):
        """Everything noted, ready for `report`."""
        return {"turns": self.turns, "errors": self.errors, "others": self.others, **more}


def ending(response):
    """What a finished response object says of itself."""
    output = response.get("output") or []
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    return {
        "status": response["status"],
        "incomplete_details": response.get("incomplete_details"),
        "final_text": "".join(part.get("text") or "" for part in parts),
        "final_id": response["id"],
        "usage": response.get("usage"),
        "items": [item["type"] for item in output],
        "calls": [
            {key: item[key] for key in ("id", "call_id", "name", "arguments")}
            for item in output
            if item["type"] == "function_call"
        ],
    }


def report(facts):
    """Write the driver's one JSON object."""
    json.dump(facts, sys.stdout)
    sys.stdout.write("\n")


def scene_of(scenes):
    """The scene and the base URL of the command line."""
    name, base_url = sys.argv[1:3]
    return scenes[name], base_url


WEATHER = {
    "type": "function",
    "name": "read_thermometer",
    "description": "The temperature in a city, in degrees Celsius",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
MODEL = "gpt-6-astra"
