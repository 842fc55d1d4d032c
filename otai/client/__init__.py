"""Talks to a Studio elsewhere over its REST API."""
