"""A finding as plain data is what scripts read."""

from __future__ import annotations

import json

from sessions.finding import Finding, Severity


def test_plain_is_json_with_every_field() -> None:
    finding = Finding("cut-end", Severity.ERROR, 0, (3, 4), 7, "file", "title", "evidence", "remedy")
    assert json.loads(json.dumps(finding.plain())) == {
        "id": "cut-end",
        "severity": "error",
        "session": 0,
        "records": [3, 4],
        "line": 7,
        "who": "file",
        "title": "title",
        "evidence": "evidence",
        "remedy": "remedy",
        "turn": 0,
    }
