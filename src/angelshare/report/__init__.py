"""What a reader sees of an audit: one typed summary, rendered as HTML, Markdown, JSON and JUnit."""

from angelshare.report.render import to_html, to_json, to_junit, to_markdown
from angelshare.report.summary import Summary, Verdict, from_json, summarise

__all__ = ["Summary", "Verdict", "from_json", "summarise", "to_html", "to_json", "to_junit", "to_markdown"]
