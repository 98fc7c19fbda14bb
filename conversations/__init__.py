"""Conversations and their messages, agents, channels and the web chat."""
