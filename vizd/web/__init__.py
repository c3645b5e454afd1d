"""Dashboards and programs out: HTTP, WebSocket, and who may come in."""
