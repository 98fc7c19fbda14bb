"""The contract of the WebSocket, on a running site, over every server it must not depend on."""
