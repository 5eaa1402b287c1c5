"""How Sphinx builds the site; `docs/site/build.py` gathers its pages first."""

from importlib.metadata import version as version_of

project = "Skillgraph Explorer"
version = release = version_of("skillgraph-explorer")
html_title = f"{project} {version}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
default_role = "code"  # docstrings mark code by single backticks
suppress_warnings = ["misc.highlighting_failure"]  # Pygments does not know parameters of Cypher
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
html_theme = "furo"
html_static_path = ["_static"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
