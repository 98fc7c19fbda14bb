"""Triggers, runs and the queue ordered by nearest fire time; knows nothing of chat."""
