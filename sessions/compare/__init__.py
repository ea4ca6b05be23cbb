"""One script of turns on two sides, laid beside each other: what differs, and whether a client would notice.

The alignment is pure and works on any records, live or from a file; only `run` and `workflow` open sockets.
"""
