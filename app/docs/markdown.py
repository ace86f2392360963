"""The pages of docs/api as HTML: the server shows the very files that the repository has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

# A link to docs/api in a checkout; in what is installed, the folder itself.
FOLDER = Path(__file__).parent / "pages"
_CODE = re.compile(r"`([A-Z_]+)` — [0-9]{3}")
_PAGE = re.compile(r"([a-z-]+)\.md(#.*)?")


def page_names() -> list[str]:
    """The names of all pages: errors, idempotency, …"""
    return sorted(file.stem for file in FOLDER.glob("*.md"))


@cache
def page_as_html(name: str) -> tuple[str, str] | None:
    """The title and the HTML of the page; None if there is none. Read once."""
    if name not in page_names():
        return None
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _name_codes(tokens)
    _lead_links_to_pages(tokens)
    title = next(token.content for token in tokens if token.type == "inline")
    return title, str(markdown.renderer.render(tokens, markdown.options, {}))


def _name_codes(tokens: Sequence[Token]) -> None:
    """Give the heading of each code the name to which a problem's `type` leads."""
    for token, inner in pairwise(tokens):
        code = _CODE.fullmatch(inner.content) if token.type == "heading_open" else None
        if code:
            token.attrSet("id", code[1].lower())


def _lead_links_to_pages(tokens: Sequence[Token]) -> None:
    """idempotency.md is /docs/idempotency here; what is in the repository alone leads nowhere."""
    for token in tokens:
        for link in token.children or ():
            if link.type != "link_open":
                continue
            target = str(link.attrs["href"])
            page = _PAGE.fullmatch(target)
            if page and page[1] in page_names():
                link.attrs["href"] = f"/docs/{page[1]}{page[2] or ''}"
            elif not target.startswith(("/", "#")):
                # An <a> without an address is text.
                del link.attrs["href"]
