"""Complete agents to start from; README.md says how each is run."""
