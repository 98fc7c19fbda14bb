"""Real parts for the tests: databases, Redis, web and cluster processes, a client of the chat."""
