"""By whose contract it is judged: what each set of rules forgives a profile.

Its one rule: rules change how much a finding weighs, never whether it is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sessions.findings.judge import NO_DEVIATIONS
from sessions.profiles import known_deviations

OF_PROFILE = "profile"  #: each socket by the profile that it was opened with
NAMES = (OF_PROFILE, "openai", "openresponses", "codex", "lenient")

_NO_LANES = frozenset({"lane-not-echoed"})
#: what Codex copes with: it takes items from their own events and counts nothing by numbers [CODEX]
_CODEX = _NO_LANES | {
    "error-status-renamed",
    "error-without-code",
    "final-empty",
    "final-mismatch",
    "sequence-missing",
    "sequence-gap",
    "sequence-mistyped",
    "part-unannounced",
    "unknown-type",
}


def forgiven(
    rules: str, habits: Mapping[str, Collection[str]] | None = None
) -> Mapping[str, Collection[str]]:
    """The ids that are noted only, by profile; raises KeyError for rules that are not in `NAMES`.

    `habits` are what profiles are known for; those of the built-in ones when they are not given.
    """
    known = known_deviations() if habits is None else habits
    return {
        OF_PROFILE: known,
        "openai": NO_DEVIATIONS,
        "openresponses": {"": _NO_LANES},
        "codex": {"": _CODEX},
        "lenient": {"": frozenset().union(*known.values())},
    }[rules]
