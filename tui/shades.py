"""The style of a component class as a terminal can show it: transparency blended into what is behind it.

Its one rule: the style sheet owns every colour. Textual's own partial style drops transparency, which turns
muted words into the brightest ones; this is the one place that makes up for it.
"""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


def shade(widget: Widget, name: str) -> Style:
    """The style of a component class of this widget, without what is behind it; null for an unknown one."""
    style = widget.get_component_rich_style(name, partial=True, default=Style.null())
    try:
        styles = widget.get_component_styles(name)
    except KeyError:
        return style
    behind = widget.background_colors[1]
    if styles.has_rule("background") and styles.background.a:
        behind += styles.background
        style += Style(bgcolor=behind.rich_color)
    if styles.has_rule("color"):
        is_automatic = styles.has_rule("auto_color") and styles.auto_color
        colour = behind.get_contrast_text(styles.color.a) if is_automatic else styles.color
        if colour.a:
            style += Style(color=(behind + colour).rich_color)
    return style
