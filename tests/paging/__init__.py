"""Paginators, each over HTTP, and that of offsets by a simulation of many servers besides."""
