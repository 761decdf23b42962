"""The documentation site: `make docs` builds it into build/site."""

from __future__ import annotations

import sys
from pathlib import Path

import grader

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from reference_pages.figures import figures

project = "network-io-grader"
version = release = grader.__version__
author = "The grader authors"
language = "en"

extensions = ["myst_parser", "reference_pages"]
exclude_patterns = ["_generated", "_ext", "examples"]
nitpicky = True
smartquotes = False

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3
myst_substitutions = figures()

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_use_index = False
html_show_sourcelink = False
