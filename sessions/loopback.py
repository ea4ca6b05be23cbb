"""Whether a host is this machine: what is dialled without a proxy, and may be given a placeholder key.

Its one rule: it looks at the name only and asks no resolver.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
