"""Pictures of the chat page in every state: `make screenshots` takes them for the documents."""
