"""What is wrong, in words: every record is judged while it passes, live, tapped or replayed alike.

`judge` takes a record and what it changed and returns findings; `catalogue` says of each id how bad it is,
whose it is to mend and what to do. Rules stand by what they look at: `stream`, `bodies`, `frames`, `sockets`,
`chains`. Nothing here keeps time: a finding that needs silence falls due on the next record or at the end.
"""
