"""The doctor: a battery of checks against one endpoint, from its address to its limits, cheapest first.

A check is a function that tries one thing on the `bench` and returns a verdict. It stands beside its group
(`local`, `reach`, `errors`, `turns`, `chain`, `limits`, `security`) or in a module of its own noun. `battery`
runs them in order, skips what cannot be known after a failure, and keeps within a budget; `report` says what
came of it. Nothing here has a screen.
"""
