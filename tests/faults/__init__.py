"""Real processes are killed, stopped and cut off while messages flow; the checker looks at the end."""
