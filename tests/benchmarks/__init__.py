"""Benchmarks: ratios taken within one run, printed for people, asserted by nobody.

    python -m tests.benchmarks [NAME ...]

Each module measures one promise against a floor in the same process environment, in interleaved rounds,
because the machines that run this are noisy: an absolute figure says little, a ratio of medians says enough.
"""
