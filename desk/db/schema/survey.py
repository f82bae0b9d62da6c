"""Surveys, their answers, and links that only one customer was sent."""
