"""What each finding is called, how bad it is and what to do: one table for each file of rules."""
