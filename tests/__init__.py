"""The tests; a package so that processes started by them can import agents and apps from it."""
