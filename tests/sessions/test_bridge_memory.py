"""What the bridge remembers, of which lane, for whom, and what it forgets."""

from __future__ import annotations

from sessions.wire.bridge_memory import MAX_STORED, Kept, Memory, Storage


def kept(name: str, *, lane: str | None = None, parent: Kept | None = None, is_stored: bool = False) -> Kept:
    return Kept(f"resp_{name}", lane, parent, ({"asked": name},), ({"said": name},), is_stored)


def test_a_chain_is_every_item_oldest_first() -> None:
    first = kept("a")
    second = kept("b", parent=first)
    fork = kept("c", parent=first)
    assert second.items() == ({"asked": "a"}, {"said": "a"}, {"asked": "b"}, {"said": "b"})
    assert fork.items() == ({"asked": "a"}, {"said": "a"}, {"asked": "c"}, {"said": "c"})


def test_a_connection_keeps_the_latest_of_each_lane() -> None:
    memory = Memory(Storage(), "me")
    for one in (kept("a"), kept("b"), kept("c", lane="side")):
        memory.keep(one)
    assert memory.find("resp_a") is None
    assert [memory.find(name) is not None for name in ("resp_b", "resp_c")] == [True, True]


def test_a_failure_forgets_the_parent_on_its_own_lane_only() -> None:
    memory = Memory(Storage(), "me")
    memory.keep(kept("a"))
    memory.fail("side", "resp_a")
    memory.fail(None, "resp_other")
    memory.fail(None, None)
    assert memory.find("resp_a") is not None
    memory.fail(None, "resp_a")
    assert memory.find("resp_a") is None


def test_what_is_stored_outlives_the_connection_and_a_failure_for_its_login_alone() -> None:
    storage = Storage()
    memory = Memory(storage, "me")
    memory.keep(kept("a", is_stored=True))
    memory.fail(None, "resp_a")
    assert memory.find("resp_a") is not None
    assert Memory(storage, "me").find("resp_a") is not None
    assert Memory(storage, "you").find("resp_a") is None


def test_the_oldest_go_when_there_are_too_many_and_no_login_is_in_the_repr() -> None:
    storage = Storage()
    for number in range(MAX_STORED + 1):
        storage.keep("sk-secret", kept(str(number), is_stored=True))
    assert storage.find("sk-secret", "resp_0") is None
    assert storage.find("sk-secret", "resp_1") is not None
    assert repr(storage) == f"<Storage of {MAX_STORED} responses>"


def large(name: str, size: int, *, parent: Kept | None = None, is_stored: bool = True) -> Kept:
    """A response whose own items are about so many bytes."""
    return Kept(f"resp_{name}", None, parent, ({"text": "x" * size},), (), is_stored)


def test_a_chain_counts_once_however_many_of_its_responses_are_stored() -> None:
    storage = Storage(most_bytes=10_000)
    first = large("a", 1000)
    second = large("b", 1000, parent=first)
    fork = large("c", 1000, parent=first)
    for one in (first, second, fork):
        storage.keep("me", one)
    assert storage.size == first.size + second.size + fork.size


def test_the_oldest_go_when_they_are_too_large_and_it_is_known_that_they_were_here() -> None:
    storage = Storage(most_bytes=2_500)
    for name in ("a", "b", "c"):
        storage.keep("me", large(name, 1000))
    assert [storage.find("me", f"resp_{name}") is not None for name in "abc"] == [False, True, True]
    assert storage.is_gone("me", "resp_a")
    assert not storage.is_gone("you", "resp_a")
    assert not storage.is_gone("me", "resp_x")
    assert storage.size <= 2_500


def test_what_a_later_response_stands_on_is_held_and_counted_after_its_own_end() -> None:
    storage = Storage(most_bytes=2_500)
    first = large("a", 1000)
    storage.keep("me", first)
    second = large("b", 1000, parent=first)
    storage.keep("me", second)
    storage.keep("me", large("c", 400))
    # `a` made room, but `b` stands on it: that alone does not free anything, so `b` goes as well
    assert [storage.find("me", f"resp_{name}") is not None for name in "abc"] == [True, True, True]
    storage.keep("me", large("d", 400))
    assert [storage.find("me", f"resp_{name}") is not None for name in "abcd"] == [False, False, True, True]
    assert storage.size <= 2_500


def test_connections_are_counted_make_room_and_let_go_at_their_end() -> None:
    storage = Storage(most_bytes=2_500)
    storage.keep("me", large("a", 1000))
    memory = Memory(storage, "me")
    memory.keep(large("b", 2000, is_stored=False))
    assert memory.find("resp_a") is None  # stored responses make room first
    assert memory.find("resp_b") is not None
    memory.keep(large("c", 3000, is_stored=False))
    assert memory.find("resp_c") is None  # too large even alone
    assert memory.is_gone("resp_c")
    assert storage.size == 0
    memory.keep(large("d", 1000, is_stored=False))
    memory.close()
    assert storage.size == 0


def test_a_response_under_an_id_that_was_there_takes_its_place() -> None:
    storage = Storage()
    storage.keep("me", large("a", 1000))
    storage.keep("me", large("a", 10))
    found = storage.find("me", "resp_a")
    assert found is not None
    assert storage.size == found.size < 100
