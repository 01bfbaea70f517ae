"""What a page says and where it leads, by the parser of the standard library."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_INLINE = {"a", "b", "code", "span", "strong"}
_VOID = {"option", "meta", "link", "input", "img", "br", "hr", "rect", "polyline"}


@dataclass
class ReadPage(HTMLParser):
    """A page: its text, the addresses that it leads to, its ids and forms, and what must not be there."""

    address: str
    html: str
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    forms: list[tuple[str, str]] = field(default_factory=list)
    scripts: list[str | None] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()
        assert not self._open, f"{self.address} does not close {self._open}"

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in _VOID:
            self._open.append(tag)
        self._space(tag)
        if found.get("id"):
            self.ids.append(found["id"] or "")
        for name, value in attrs:
            if name.startswith("on") or name == "style" or (value or "").lower().startswith("javascript:"):
                self.forbidden.append(f"{tag} {name}={value}")
        if tag == "script":
            self.scripts.append(found.get("src"))
        if tag == "img" and not (found.get("src") or "").startswith("/static/"):
            self.forbidden.append(f"img {found}")
        if tag == "form":
            self.forms.append((found.get("method") or "get", self.absolute(found.get("action") or "")))
        for name in ("href", "hx-get", "src"):
            if name in found:
                self.links.append(self.absolute(found[name] or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open[-1:] == [tag], f"{self.address}: </{tag}> closes {self._open[-3:]}"
            self._open.pop()
            self._space(tag)

    def _space(self, tag: str) -> None:
        if tag not in _INLINE:
            self.texts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style"):
            assert not data.strip(), f"{self.address} has a script of its own: {data[:80]}"
        else:
            self.texts.append(data)

    def absolute(self, link: str) -> str:
        return urljoin(self.address, link)

    def leads_to(self) -> list[str]:
        """The pages of the server that the page leads to, without fragments."""
        own = urlsplit(self.address)[:2]
        parts = (urlsplit(link) for link in dict.fromkeys(self.links))
        return [each._replace(fragment="").geturl() for each in parts if each[:2] == own]

    def broken_fragments(self) -> list[str]:
        """The fragments that lead to no element of this page."""
        here = urlsplit(self.address)._replace(fragment="").geturl()
        fragments = [urlsplit(link) for link in self.links]
        return [
            each.fragment
            for each in fragments
            if each.fragment and each._replace(fragment="").geturl() == here and each.fragment not in self.ids
        ]
