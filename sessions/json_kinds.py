"""What a JSON value is, in words: a string, a list, an object.

Its one rule: these are the words of JSON, and every sentence about a value of the wrong kind uses them.
"""

from __future__ import annotations


def kind_words(value: object) -> str:
    """The kind of a value that was read from JSON, with its article."""
    match value:
        case None:
            return "null"
        case bool():  # before the numbers: a Python bool is an int, too
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
