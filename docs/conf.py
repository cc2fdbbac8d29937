"""Sphinx settings. The source folder is the repository's root, so that links work here as they do on GitHub.

``make docs`` builds everything into docs/_build/html.
"""

from pathlib import Path

from mmhsi import __version__

project = "mmhsi"
author = "The mmhsi authors"
copyright = "The mmhsi authors, Apache-2.0"
version = release = __version__

root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**", "configs/*/README.md"]
# Folders named here are not searched.
exclude_patterns = [
    ".*",
    "benchmarks",
    "build",
    "configs/_base_",
    "data",
    "demo_out",
    "docs/_build",
    "docs/_templates",
    "mmhsi",
    "tests",
    "tools",
    "work_dirs",
]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
nb_execution_mode = "auto"
# Those that docs/write_notebooks.py ran are shown as they are.
nb_execution_excludepatterns = [f"{path.stem}.ipynb" for path in Path(__file__).parent.glob("notebooks/*.py")]
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_output_stderr = "remove"  # logs, with paths of the machine that built the page

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # what is imported for types alone has no names at run time

html_theme = "furo"
html_title = "mmhsi"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_additional_pages = {"index": "redirect.html"}
