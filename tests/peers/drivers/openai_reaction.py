"""What openai-python's synchronous client makes of a server that goes wrong: one turn, and how it ended.

Reads {name: base URL} from standard input; every one gets a socket of its own.
"""

import json
import sys

from openai import OpenAI
from turns import MODEL, TERMINAL, report, scene_of


def one_turn(base_url):
    """How a plain turn ended: the types that came, and the exception, if one was raised."""
    told = {"types": [], "raised": None}
    try:
        with OpenAI(base_url=base_url) as client, client.responses.connect() as connection:
            connection.response.create(model=MODEL, store=False, input="Say hello in five words.")
            for event in connection:
                told["types"].append(event.type)
                if event.type in (*TERMINAL, "error"):
                    break
    except Exception as error:  # whichever it is, it is the answer
        told["raised"] = type(error).__name__
    return told


def turns(_):
    """One turn at every address."""
    return {name: one_turn(base_url) for name, base_url in json.load(sys.stdin).items()}


SCENES = {"turns": turns}


def main():
    """Play the scene and report it."""
    scene, base_url = scene_of(SCENES)
    report(scene(base_url))


if __name__ == "__main__":
    main()
