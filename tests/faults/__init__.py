"""Real processes are killed, frozen and cut off while messages flow; then the checker looks."""
