"""What is wrong with a request, in the API's own words; a value, never an exception."""

from __future__ import annotations

from typing import NamedTuple

from sessions.contract import AGE_LIMIT, INVALID_LANE, LANE_LIMIT, MAX_LANES, PARENT_NOT_FOUND


class Problem(NamedTuple):
    """One error, before a dialect spells it."""

    status: int
    code: str | None
    message: str
    param: str | None = None
    type: str = "invalid_request_error"


def missing(param: str) -> Problem:
    """A required parameter is absent."""
    return Problem(400, "missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def wrong_type(param: str, wanted: str) -> Problem:
    """A parameter is of another kind than the API takes."""
    return Problem(400, "invalid_type", f"Invalid type for '{param}': expected {wanted}.", param)


def wrong_value(param: str, why: str) -> Problem:
    """A parameter is of the right kind, but not a value that the API takes."""
    return Problem(400, "invalid_value", f"Invalid value for '{param}': {why}.", param)


def unknown_parameter(param: str) -> Problem:
    """HTTP knows no such key of the body."""
    return Problem(400, "unknown_parameter", f"Unknown parameter: '{param}'.", param)


def parent_not_found(parent_id: str) -> Problem:
    """The parent is neither in this connection's memory nor stored."""
    message = f"Previous response with id '{parent_id}' not found."
    return Problem(400, PARENT_NOT_FOUND, message, "previous_response_id")


def invalid_lane() -> Problem:
    """The name of the lane breaks the pattern."""
    message = "stream_id must be 1 to 256 characters of A-Z a-z 0-9 _ . -"
    return Problem(400, INVALID_LANE, message, "stream_id")


def lane_limit() -> Problem:
    """One named lane too many on this connection."""
    message = f"This connection already has {MAX_LANES} named lanes; reuse one or open another connection."
    return Problem(400, LANE_LIMIT, message, "stream_id")


def age_limit(minutes: int) -> Problem:
    """The connection has reached its lifetime."""
    message = f"This WebSocket connection has reached its limit of {minutes} minutes. Open a new one."
    return Problem(400, AGE_LIMIT, message)


def not_json(why: str) -> Problem:
    """A frame that is no JSON object."""
    return Problem(400, "invalid_json", f"The frame is not a JSON object: {why}.")
