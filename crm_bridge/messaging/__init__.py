"""Sending messages to customers: one sender per channel (`sender`), a provider behind each."""
