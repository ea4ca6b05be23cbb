"""Every event held against openai-python's own types, which the library itself never does while receiving.

An `Examiner` keeps two lists: types that the library does not know, and events that contradict its type.
"""

import json
from typing import get_args

from openai.types.responses import ResponsesServerEvent
from pydantic import ValidationError
from turns import report

_TYPES = {
    literal: model
    for model in get_args(get_args(ResponsesServerEvent)[0])
    for literal in get_args(model.model_fields["type"].annotation)
}


class Examiner:
    """What was odd about the events of one conversation."""

    def __init__(self):
        self.unlisted = []
        self.strange = []

    def examine(self, data):
        """Hold one frame against the type that it names."""
        kind = json.loads(data)["type"]
        model = _TYPES.get(kind)
        if model is None:
            self.unlisted.append(kind)
            return
        try:
            model.model_validate_json(data)
        except ValidationError as error:
            self.strange += [f"{kind}: {oddity}" for oddity in _oddities(error)]

    def facts(self):
        """Both lists, ready for a report."""
        return {"unlisted": sorted(set(self.unlisted)), "strange": self.strange}


def _oddities(error):
    """What is wrong, without the branches of unions that another `type` was meant for."""
    errors = error.errors()
    others = [each["loc"][:-1] for each in errors if each["loc"][-1] == "type" and len(each["loc"]) > 1]
    return [
        ".".join(map(str, each["loc"])) + ": " + each["msg"]
        for each in errors
        if not any(each["loc"][: len(other)] == other for other in others)
    ] or [str(error)[:200]]


if __name__ == "__main__":
    report({"types": sorted(_TYPES)})
