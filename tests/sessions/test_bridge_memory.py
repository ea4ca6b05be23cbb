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
