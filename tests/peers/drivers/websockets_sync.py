"""The plain synchronous websockets client, as a person would write it from the documents."""

import json
import os

from turns import MODEL, Ledger, report, scene_of
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


def _address(base_url):
    return base_url.replace("http", "ws", 1) + "/responses"


def _key():
    return {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}


def two_turns(base_url):
    """A turn and its continuation, with compression as the library offers it by default."""
    ledger = Ledger()
    sizes = []
    with connect(_address(base_url), additional_headers=_key(), proxy=None) as socket:

        def turn(text, parent=None):
            frame = {"type": "response.create", "model": MODEL, "store": False, "input": text}
            socket.send(json.dumps({**frame, "previous_response_id": parent} if parent else frame))
            while True:
                data = socket.recv(timeout=20)
                sizes.append([type(data).__name__, len(data)])
                ended = ledger.note(json.loads(data))
                if ended:
                    return ended

        first = turn("Remember the word heron.")
        turn("What was the word?", first["id"])
        extensions = [str(extension.name) for extension in socket.protocol.extensions]
    return ledger.facts(
        frames=sorted({kind for kind, _ in sizes}),
        extensions=extensions,
        close_code=socket.protocol.close_code,
    )


def no_key(base_url):
    """Without a key the upgrade itself is refused."""
    try:
        with connect(_address(base_url), proxy=None):
            return {}
    except InvalidStatus as error:
        return {"status": error.response.status_code, "body": json.loads(error.response.body)}


SCENES = {scene.__name__: scene for scene in (two_turns, no_key)}


def main():
    """Play the scene and report it."""
    scene, base_url = scene_of(SCENES)
    report(scene(base_url))


if __name__ == "__main__":
    main()
