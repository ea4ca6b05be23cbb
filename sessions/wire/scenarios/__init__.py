"""What the fake server says and does.

From the request inwards: `request` reads a create, `connection` keeps lanes and turns of one socket over
`socket`, `memory` knows which response may be a parent, `answers` decide what is said, `narration` spells it
as events, `dialects` respell them as another server would, `faults` spoil them. `http` serves the same
answers over POST. `recorded` says instead what a recorded server said, to whom `cast` chooses. Nothing here
is used by a real session.
"""
