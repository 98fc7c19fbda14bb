"""A site's own app, for the fault tests: actions that misbehave."""
