"""How the site is made of the pages in docs/: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

from fastframe._version import __version__  # noqa: E402

project = "fastframe"
author = "The fastframe authors"
project_copyright = f"{author}, MIT licence"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "api_reference",
    "c_reference",
    "command_line",
    "repository_links",
    "rfc_links",
    "rules",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_*"]  # extensions, templates, static files
nitpicky = True  # a name that leads nowhere is a warning, and warnings are errors
python_maximum_signature_line_length = c_maximum_signature_line_length = 110

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = f"fastframe {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
        "sidebar/versions.html",
    ]
}
html_theme_options = {
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#4fd1a5", "color-brand-content": "#4fd1a5"},
}
