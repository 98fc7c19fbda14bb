"""The agents that speak to models: their protocol, their tools, their failures."""
