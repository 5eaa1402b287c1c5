"""Skills for texts that have none: by sentence embeddings on this machine, or by a language model behind an endpoint.

`files` reads texts and vocabularies and writes tags; `encoders` and `matching` are the first way, `endpoint`,
`prompting` and `asking` the second; `merging` proposes which new names mean the same, `quality` says how good tags are.
Only `endpoint` talks to another machine.
"""
