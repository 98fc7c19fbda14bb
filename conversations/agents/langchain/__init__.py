"""LangChain and LangGraph: whatever can `astream` becomes an agent."""
