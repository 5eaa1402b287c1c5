"""The store as tools of an agent, over the Model Context Protocol.

`tools` are plain functions from arguments to plain values; `serving` is the only module that knows the `mcp` package.
"""
