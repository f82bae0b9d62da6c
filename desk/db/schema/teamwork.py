"""What people who work on a ticket together leave there."""
