"""openai-python over plain HTTP, on the paths that also speak WebSocket: a scene per argument."""

import openai
from turns import MODEL, Ledger, ending, report, scene_of


def models(client):
    """The list of models, and one of them."""
    names = [model.id for model in client.models.list()]
    return {"models": names, "one": client.models.retrieve(names[0]).id}


def post_json(client):
    """Two stored turns without streaming, and one of them fetched again."""
    first = client.responses.create(model=MODEL, input="Remember the word heron.", store=True)
    second = client.responses.create(
        model=MODEL, input="What was the word?", previous_response_id=first.id, store=True
    )
    fetched = client.responses.retrieve(second.id)
    return {
        "text": second.output_text,
        "previous_response_id": second.previous_response_id,
        "first_id": first.id,
        "fetched_text": fetched.output_text,
        "ending": ending(second.to_dict()),
    }


def stream(client):
    """One turn as server-sent events, read by the library's own accumulator."""
    ledger = Ledger()
    with client.responses.stream(model=MODEL, input="Say hello in five words.") as events:
        for event in events:
            ledger.note(event.to_dict())
        final = events.get_final_response()
    return ledger.facts(accumulated=final.output_text)


def compact(client):
    """A conversation compacted, and continued from what came back."""
    compacted = client.responses.compact(
        model=MODEL,
        input=[
            {"role": "user", "content": "Remember the word heron."},
            {"role": "assistant", "content": "I will."},
        ],
    )
    items = [item.to_dict() for item in compacted.output]
    continued = client.responses.create(
        model=MODEL, input=[*items, {"role": "user", "content": "What was the word?"}]
    )
    return {"items": [item["type"] for item in items], "text": continued.output_text}


def refused(client):
    """A parent that nobody knows is a typed error over HTTP."""
    try:
        client.responses.create(model=MODEL, input="Go on.", previous_response_id="resp_never_seen")
    except openai.BadRequestError as error:
        return {"status": error.status_code, "code": error.code, "param": error.param}
    return {}


SCENES = {scene.__name__: scene for scene in (models, post_json, stream, compact, refused)}


def main():
    """Play the scene and report it."""
    scene, base_url = scene_of(SCENES)
    with openai.OpenAI(base_url=base_url, max_retries=0) as client:
        report(scene(client))


if __name__ == "__main__":
    main()
