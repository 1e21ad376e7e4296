"""How the pages become a site: `sphinx-build -W --keep-going docs build/docs`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine import __version__

project = "Wirefile"
author = "the Wirefile authors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["*.py", "__pycache__"]
html_theme = "furo"
html_title = "Wirefile"
nitpicky = False  # types in signatures are the standard library's, whose pages cannot be asked for here

myst_heading_anchors = 3
myst_links_external_new_tab = False
# Links out of docs/ (to a provider file, to SECURITY.md): a test follows them. Bad examples of rules are no YAML.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
