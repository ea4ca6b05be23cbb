"""A launch: everything that a session screen is opened with, made from a command line.

Its one rule: it opens no socket of the person's own and sends nothing. What is slow to import or to start
(settings, the client library, the built-in server) is loaded here, after the first picture stands.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sessions.profile import OPENAI, ProfileFacts

if TYPE_CHECKING:
    from sessions.compose import Create
    from sessions.drafts import Drafts
    from sessions.settings import Settings
    from sessions.tools import Tools
    from sessions.wire.plan import Plan


@dataclass(frozen=True)
class Launch:
    """One session about to be opened; the first plan, the options, and what is known of the server."""

    plan: Plan
    settings: Settings
    create: Create
    profile: ProfileFacts = OPENAI
    badge: str = ""  #: DEMO while the built-in server is the peer
    suggestions: tuple[str, ...] = ()
    drafts: Drafts | None = None
    tools: Tools | None = None
    notes: tuple[str, ...] = ()  #: sentences to tell once
    names: tuple[str, ...] = ()  #: of the sessions to open; none: one without a name
    release: Callable[[], None] = field(default=lambda: None)  #: lets go of what was started for it

    @property
    def is_demo(self) -> bool:
        """Whether nothing leaves this machine."""
        return self.badge == "DEMO"


def recording_path(args: argparse.Namespace, profile: str) -> Path | None:
    """Where this run is recorded: the file that was named, a dated one, or None for a temporary one."""
    from sessions.recording import new_path
    from sessions.settings import paths

    if getattr(args, "no_record", False):
        return None
    if named := getattr(args, "record", None):
        return Path(named).expanduser()
    if args.verb == "demo":
        return None
    return new_path(paths().recordings, profile, time.time_ns() // 1000)


def launch_connection(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Launch:
    """A session with the server that the command line, the environment and the file name.

    Raises SettingsError or UsageError.
    """
    from sessions.commands.connection import settings_from
    from sessions.wire.plan import plan_from

    settings = settings_from(args, environ)
    return launch_plan(args, settings, plan_from(settings, environ))


def launch_plan(args: argparse.Namespace, settings: Settings, plan: Plan) -> Launch:
    """A session by this plan."""
    from sessions.commands.creating import tidy_recordings
    from sessions.compose import Create
    from sessions.drafts import Drafts
    from sessions.settings import paths

    tools = _tools(getattr(args, "tools", None))
    gone = tidy_recordings(args, settings)
    return Launch(
        plan=plan,
        settings=settings,
        create=Create(
            model=settings.model,
            instructions=getattr(args, "instructions", None),
            effort=getattr(args, "effort", None) or "",
            store=getattr(args, "store", None),
            tools=tools.tools if tools else (),
        ),
        profile=profile_facts(settings),
        drafts=Drafts(
            paths().state,
            settings.profile,
            endpoint=plan.endpoint.unix + plan.endpoint.http_url,
            secrets=plan.secrets,
            is_kept=not getattr(args, "no_record", False),
            wall=lambda: time.time_ns() // 1000,
        ),
        tools=tools,
        notes=(*gone, *tools.converted, *tools.notes) if tools else gone,
        names=_names(args),
    )


def launch_demo(args: argparse.Namespace) -> Launch:
    """The built-in server, started, and a session with it; a demo keeps no drafts."""
    from sessions.compose import Create
    from sessions.settings import load
    from sessions.wire.embedded import Embedded
    from sessions.wire.plan import plan_from
    from sessions.wire.scenarios.answers import demo as tour
    from sessions.wire.scenarios.options import MODELS, Options

    options = Options(
        scenario=getattr(args, "scenario", "conversation"),
        rate=getattr(args, "rate", 55.0),
        faults=tuple(getattr(args, "fault", ())),
        dialect=getattr(args, "dialect", "openai"),
        seed=getattr(args, "seed", None),
        age_limit=getattr(args, "age_limit", None),
        think_ms=250.0,
    )
    tools = _tools(getattr(args, "tools", None))
    server = Embedded(options)
    base_url = server.start()
    try:
        model = getattr(args, "model", None) or MODELS[0]
        flags = {"base_url": base_url, "profile": "fake", "no_proxy": True, "model": model}
        settings = load(flags, _demo_environment())
        if options.age_limit is not None:
            settings = settings.model_copy(update={"age_limit": options.age_limit})
        return Launch(
            plan=plan_from(settings, {}),
            settings=settings,
            create=Create(
                model=model,
                instructions=getattr(args, "instructions", None),
                effort=getattr(args, "effort", None) or "",
                store=getattr(args, "store", None),
                summary="auto",
                tools=tools.tools if tools else tuple(dict(tool) for tool in tour.TOOLS),
            ),
            profile=profile_facts(settings),
            badge="DEMO",
            suggestions=tuple(step.prompt for step in tour.STEPS),
            tools=tools,
            notes=(*tools.converted, *tools.notes) if tools else (),
            names=_names(args),
            release=server.stop,
        )
    except BaseException:
        server.stop()
        raise


def profile_facts(settings: Settings) -> ProfileFacts:
    """What the profile says, in the words of a forecast."""
    return settings.facts.forecast_facts(settings.profile, settings.age_limit)


class Taste(NamedTuple):
    """What a person likes: own keys and a theme; `problem` says why the settings could not be read."""

    own_keys: Mapping[str, str]
    theme: str
    problem: str = ""


def taste(environ: Mapping[str, str] = os.environ) -> Taste:
    """Keys and theme of the settings file, which count in a demonstration, too."""
    from sessions.errors import SettingsError
    from sessions.settings import own_keys, paths, read_file

    try:
        values = read_file(paths(environ).config).values
    except SettingsError as error:
        return Taste({}, "", str(error))
    found = own_keys(values.get("keys", {}))
    theme = values.get("theme", "")
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        return Taste({}, "", 'keys must be a table of texts: [keys], then "session.copy" = "y"')
    return Taste(found, theme if isinstance(theme, str) else "")


def _demo_environment() -> dict[str, str]:
    # The person's own settings file, addresses and keys have no part in a demonstration.
    return {"TURNSCOPE_CONFIG": os.devnull}


def _names(args: argparse.Namespace) -> tuple[str, ...]:
    from sessions.errors import UsageError

    names = tuple(getattr(args, "session", None) or ())
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two sessions cannot both be called {name!r}; give each --session its own name")
    return names


def _tools(path: str | None) -> Tools | None:
    if path is None:
        return None
    from sessions.errors import UsageError
    from sessions.tools import load

    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the tools of {path}: {error}") from error
    return load(text, path)
