"""Makes the bundled speech model; see README.md. Not part of the installed package."""
