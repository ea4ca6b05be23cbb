"""What the doctor and `check` say of two real LiteLLM proxies, the older and the newer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.conftest import start_fake
from tests.peers.hops import bad, examined, found_in, turnscope
from tests.peers.litellm import MODEL, LiteLLM
from tests.peers.room import Finished, Room

NEWER = pytest.mark.peer("litellm")
OLDER = pytest.mark.peer("litellm-1.83")
FAULTS = ("abort-mid-stream", "403", "binary")


@pytest.fixture(scope="module")
def newer(home: Path) -> Iterator[tuple[Room, LiteLLM]]:
    """LiteLLM 1.106.2; three more models go wrong upstream."""
    with Room() as room:
        upstreams = {MODEL: start_fake(room, "--tls", home=home)}
        for fault in FAULTS:
            upstreams[f"{MODEL}-{fault}"] = start_fake(room, "--tls", f"--fault={fault}", home=home)
        yield room, LiteLLM(room, "litellm", upstreams, home)


@pytest.fixture(scope="module")
def older(home: Path) -> Iterator[tuple[Room, LiteLLM]]:
    """LiteLLM 1.83.0, which wants ?model= in the address."""
    with Room() as room:
        yield room, LiteLLM(room, "litellm-1.83", {MODEL: start_fake(room, "--tls", home=home)}, home)


def _checked(
    room: Room, proxy: LiteLLM, folder: Path, *arguments: str, model: str = MODEL
) -> tuple[Finished, dict[str, Any]]:
    """How `send` ended, and what `check` finds in its recording."""
    recording = folder / "run.jsonl"
    connection = ("--base-url", proxy.base_url, "--model", model, "--record", recording)
    done = turnscope(room, folder, "send", *connection, *arguments, key=proxy.key)
    return done, found_in(room, folder, recording)


@OLDER
def test_the_older_one_wants_the_model_in_the_url(older: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """The check finds the way in, the chain is tried after all, and the remedy names the version."""
    room, proxy = older
    report = examined(room, tmp_path, proxy.base_url, "--only", "B08,B09,E01", key=proxy.key)
    assert bad(report) == {"B07": "fail", "B08": "fail"}
    assert {tuple(report["checks"][one]["findings"]) for one in ("B07", "B08")} == {("model-wanted-in-url",)}
    assert report["checks"]["B08"]["failure_class"] == "forbidden"
    assert "1.89.0" in report["checks"]["B08"]["remedy"]
    assert report["checks"]["E01"]["outcome"] == "pass"
    assert report["capabilities"]["product"].startswith("looks like LiteLLM before 1.89")
    done, found = _checked(room, proxy, tmp_path, "Say hello.")
    assert done.status == 4, done.stderr
    assert set(found) == {"model-wanted-in-url"}


@NEWER
def test_the_newer_one_rewrites_ids(newer: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """The parent that it echoes is not the one that was sent, and the ids give the product away."""
    room, proxy = newer
    report = examined(room, tmp_path, proxy.base_url, "--only", "E01", key=proxy.key)
    assert bad(report) == {"E01": "fail"}
    assert report["checks"]["E01"]["findings"] == ["parent-not-echoed"]
    assert "LiteLLM" in report["checks"]["E01"]["remedy"]
    assert report["capabilities"]["product"].startswith("looks like LiteLLM 1.89 or later")
    done, found = _checked(room, proxy, tmp_path, "Say hello.", "And again.")
    assert done.status == 0, done.stderr
    assert set(found) == {"parent-not-echoed"}


@NEWER
def test_a_bad_first_message_ends_its_connection(newer: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """LiteLLM answers what it cannot take with an error without status and code, and closes with 1008."""
    room, proxy = newer
    report = examined(room, tmp_path, proxy.base_url, "--only", "C04,C05,C06", key=proxy.key)
    assert bad(report) == {"C04": "warn"}
    assert all("1008" in report["checks"][one]["evidence"] for one in ("C04", "C05", "C06"))
    assert report["checks"]["C06"]["remedy"] == "See C04."


@NEWER
def test_an_error_of_the_newer_one_has_neither_status_nor_code(
    newer: tuple[Room, LiteLLM], tmp_path: Path
) -> None:
    """An upstream that answers 403 becomes an error frame that only its message tells apart."""
    done, found = _checked(*newer, tmp_path, "Say hello.", model=f"{MODEL}-403")
    assert done.status == 1, done.stderr
    assert set(found) >= {"error-without-status", "error-without-code", "turn-refused"}
    assert {one["severity"] for one in found.values()} <= {"warning", "note"}
    assert "LiteLLM: LiteLLM strips status and code" in found["error-without-status"]["remedy"]
    room, proxy = newer
    arguments = ("--model", f"{MODEL}-403", "--only", "C01,C02,D01")
    report = examined(room, tmp_path, proxy.base_url, *arguments, key=proxy.key)
    assert bad(report) == {"C01": "warn", "C02": "warn", "D01": "fail"}
    assert report["checks"]["C02"]["findings"] == ["error-without-status", "error-without-code"]
    assert "LiteLLM: LiteLLM strips status and code" in report["checks"]["C02"]["remedy"]
    assert report["capabilities"]["product"].startswith("looks like LiteLLM 1.89 or later")


@NEWER
def test_a_close_that_never_comes_is_a_silence(newer: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """LiteLLM hides the end of its upstream: what began has no end, for the doctor and in its recording."""
    room, proxy = newer
    recording = tmp_path / "run.jsonl"
    arguments = ("--model", f"{MODEL}-abort-mid-stream", "--only", "D03", "--record", recording)
    report = examined(room, tmp_path, proxy.base_url, *arguments, key=proxy.key)
    assert bad(report) == {"D01": "fail"}
    assert report["checks"]["D01"]["findings"] == ["terminal-missing"]
    found = found_in(room, tmp_path, recording)
    assert found["terminal-missing"]["severity"] == "error"
    assert found["terminal-missing"]["who"] == "proxy"


@NEWER
def test_binary_frames_become_text(newer: tuple[Room, LiteLLM], tmp_path: Path) -> None:
    """What is binary behind LiteLLM is text before it: that defect must not be blamed on the socket here.

    Only past the proxy it shows, and a comparison of both ways names it.
    """
    room, proxy = newer
    done, found = _checked(room, proxy, tmp_path, "Say hello.", model=f"{MODEL}-binary")
    assert done.status == 0, done.stderr
    assert found == {}
    behind = start_fake(room, "--fault=binary", home=tmp_path)
    arguments = ("--base-url", behind.base_url, "--model", MODEL, "--record", tmp_path / "direct.jsonl")
    assert turnscope(room, tmp_path, "send", *arguments, "Say hello.").status == 0
    assert set(found_in(room, tmp_path, tmp_path / "direct.jsonl")) == {"binary-frame"}
