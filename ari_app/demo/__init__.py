"""One real call for a newcomer: placed by SIPp, told while it happens, with what it became."""
