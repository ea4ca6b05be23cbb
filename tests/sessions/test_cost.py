from __future__ import annotations

from sessions.cost import Cost, context_tokens, estimate
from sessions.reducer import fold
from tests import make


def test_the_words_of_a_cost() -> None:
    assert Cost().words == "nothing sent again, tokens unknown"
    assert Cost(0, 0, 0).words == "nothing sent again"
    assert Cost(1, 310, 77).words == "1 item, 310 bytes, about 77 input tokens"
    assert Cost(14, 3_140, 1_900).words == "14 items, 3.1 kB, about 1,900 input tokens"
    assert Cost(14, 3_140_000, None, True).words == "about 14 items, about 3.1 MB, tokens unknown"


def test_an_estimate_counts_the_whole_chain_and_says_so() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_a", "x" * 400),
            *wire.turn("resp_b", "y" * 100, previous_response_id="resp_a"),
        ]
    )
    cost = estimate(sessions, sessions.turns[1])
    assert cost.is_estimate
    assert cost.items == 4
    assert cost.size >= 500
    assert cost.input_tokens == 28


def test_tokens_are_unknown_without_usage() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_a"))])
    assert context_tokens(sessions.turns[0]) is None
    assert context_tokens(None) is None


def test_tokens_are_added_up_where_no_total_came() -> None:
    wire = make.Wire()
    usage = {"prompt_tokens": 30, "completion_tokens": 12}
    sessions = fold([wire.open(), wire.sent(make.create()), *wire.got_all(make.answer("resp_a"))[:-1]])
    sessions.apply(wire.got(make.completed("resp_a", usage=usage)))
    assert context_tokens(sessions.turns[0]) == 42
