"""The Dash front end: one module per page, pure element builders apart from callbacks."""
