"""Line ends: every newline of a file, whatever its size and however it grows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.line_ends import _BLOCK, LineEnds

EVER = float("inf")
LARGER = _BLOCK + 17


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a"


@pytest.fixture
def descriptor(path: Path) -> Iterator[int]:
    path.touch()
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


def ends_of(content: bytes, start: int) -> list[int]:
    return [start, *(newline.end() for newline in re.compile(b"\n").finditer(content, start))]


def bounds(ends: LineEnds) -> list[int]:
    return list(ends.between(0, len(ends)))


lines = st.lists(
    st.sampled_from([0, 1, 7, _BLOCK - 2, _BLOCK - 1, _BLOCK, LARGER, 2 * _BLOCK + 3]), max_size=5
)


@given(
    sizes=lines, tail=st.sampled_from([0, 1, LARGER]), start=st.sampled_from([0, 3]), deadline=st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_they_are_the_newlines_of_a_file(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], tail: int, start: int, deadline: bool
) -> None:
    content = b"#" * start + b"".join(b"x" * size + b"\n" for size in sizes) + b"y" * tail
    path = tmp_path_factory.mktemp("ends") / "a"
    path.write_bytes(content)
    with path.open("rb") as file:
        ends = LineEnds(file.fileno(), start)
        rounds = 0
        while ends.find_on(len(content), EVER if deadline else 0.0):
            rounds += 1
        assert rounds <= len(content) // _BLOCK + len(sizes) + 1
        expected = ends_of(content, start)
        assert (bounds(ends), len(ends), ends.found) == (expected, len(sizes), expected[-1])
        assert not ends.find_on(len(content), EVER)
        assert bounds(ends) == expected


def test_a_line_counts_once_it_is_whole_however_large(path: Path, descriptor: int) -> None:
    ends = LineEnds(descriptor, 0)
    content = b""
    with path.open("ab", buffering=0) as writer:
        for piece in (b"a\nb", b"b\nccc", b"c" * LARGER, b"c" * LARGER, b"c\nd\n", b"\n", b"e"):
            writer.write(piece)
            content += piece
            while ends.find_on(len(content), 0.0):
                pass
            assert bounds(ends) == ends_of(content, 0)


def test_a_file_that_became_shorter_ends_the_search(path: Path, descriptor: int) -> None:
    path.write_bytes(b"a\nb\n")
    ends = LineEnds(descriptor, 0)
    assert not ends.find_on(4_000, EVER)
    assert bounds(ends) == [0, 2, 4]


def test_a_stretch_holds_whole_lines_up_to_a_size_and_one_at_least(path: Path, descriptor: int) -> None:
    path.write_bytes(b"12345678\n\n1\n2\n" + b"3" * 50 + b"\n")
    ends = LineEnds(descriptor, 0)
    ends.find_on(path.stat().st_size, EVER)
    count = len(ends)
    assert [ends.stop(0, count, size) for size in (1, 9, 10, 11, 12, 99)] == [1, 1, 2, 2, 3, 5]
    assert ends.stop(0, 2, 99) == 2
    assert ends.stop(4, count, 1) == 5
    assert list(ends.between(1, 3)) == [9, 10, 12]
    assert [ends.start(line) for line in (0, 4, 5)] == [0, 14, 65]


def test_what_was_found_beyond_a_size_is_forgotten_and_found_again(path: Path, descriptor: int) -> None:
    path.write_bytes(b"12\n" * 4 + b"cut")
    ends = LineEnds(descriptor, 3)
    ends.find_on(15, EVER)
    assert bounds(ends) == [3, 6, 9, 12]
    ends.cut(15)
    assert bounds(ends) == [3, 6, 9, 12]
    ends.cut(10)
    assert bounds(ends) == [3, 6, 9]
    ends.cut(0)
    assert bounds(ends) == [3]
    ends.find_on(15, EVER)
    assert bounds(ends) == [3, 6, 9, 12]
