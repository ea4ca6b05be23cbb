"""What each finding is called, how bad it is and what to do: a table beside each file of rules."""
