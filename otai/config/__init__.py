"""Settings, URL table and server entry points: the only room that knows all others."""
