"""A site's own app, for the tests of schedules: an action that leaves proof of its occurrence."""
