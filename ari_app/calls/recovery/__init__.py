"""What a death leaves behind: things in Asterisk that nobody owns, and calls that nobody ended."""
