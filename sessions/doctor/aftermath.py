"""Aftermath: what became of a socket after an error, and which check has seen it first.

Its one rule: a server that ends or ignores its sockets after an error is one defect; whoever sees it later
names the first.
"""

from __future__ import annotations

from sessions.doctor.bench import Bench
from sessions.doctor.probes import Reply
from sessions.doctor.result import Verdict, failed, told, warned
from sessions.findings.catalogue import Who

#: what to do where a message ends its socket
ALL_REMAIN = "One bad message should cost its own answer only: catch what it raises, and send an error frame."


def note_kill(bench: Bench, check_id: str) -> None:
    bench.facts.notes.setdefault("killed_by", []).append(check_id)


def ended(bench: Bench, check_id: str, evidence: str) -> Verdict:
    """An error was told, and then the socket ended; the first check that sees it says so."""
    if _is_forgiving(bench) and bench.profile.socket_after_error in ("closed", "dead"):
        return told(evidence, f"The profile {bench.profile.name} is known for it.")
    killers = bench.facts.notes.get("killed_by", ())
    first = bench.facts.notes.setdefault("ends_after_error", killers[0] if killers else check_id)
    if first != check_id:
        return told(evidence, f"See {first}.")
    return warned(evidence, "Keep the socket open after an error: the guide says that it stays usable.")


def dead(bench: Bench, check_id: str, reply: Reply) -> Verdict:
    """An error was told, and then nothing more, on a socket that is open."""
    bench.capabilities["after an error"] = "dead"
    said = f"{reply.words}; after it nothing is answered on the open socket"
    if _is_forgiving(bench) and bench.profile.socket_after_error == "dead":
        return told(said, f"The profile {bench.profile.name} is known for it.")
    first = bench.facts.notes.setdefault("dead_after_error", check_id)
    if first != check_id:
        return told(said, f"See {first}.")
    return failed(
        said, "Go on answering after an error, or close the socket so that clients see it.", Who.PROXY
    )


def _is_forgiving(bench: Bench) -> bool:
    """Whether the habits of the profile count as such, not as defects."""
    return bench.has_profile_rules or bench.rules.forgives
