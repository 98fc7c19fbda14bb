"""Chat commands: what a user can tell BotFlow itself, on every channel, without any model."""
