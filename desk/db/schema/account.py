"""Accounts of people, their sessions, and what makes a request safe to repeat."""
