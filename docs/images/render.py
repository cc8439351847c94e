#!/usr/bin/env python3
"""Makes the pictures in this folder from real reports.

    python3 -m venv /tmp/render && /tmp/render/bin/pip install markdown-it-py==4.3.0
    /tmp/render/bin/python docs/images/render.py

It needs Debian's chromium and fonts-noto-color-emoji. A picture shows a report of tests/engine/testdata,
which the tests make with the real engine, as a pull request shows it.
"""

import pathlib
import subprocess
import tempfile

from markdown_it import MarkdownIt

HERE = pathlib.Path(__file__).resolve().parent
REPORTS = HERE.parent.parent / "tests/engine/testdata/reports"
PICTURES = {"unclean-election.md": ("report.png", "900,690")}

STYLE = """
body { font: 14px/1.5 'DejaVu Sans', sans-serif; color: #1f2328; margin: 24px 32px; }
h3 { font-size: 18px; border-bottom: 1px solid #d1d9e0; padding-bottom: 6px; }
h4 { margin: 18px 0 8px; }
code, pre { font: 12px/1.45 'DejaVu Sans Mono', monospace; background: #f0f2f4; border-radius: 6px; }
code { padding: 2px 4px; }
pre { padding: 10px; overflow: hidden; white-space: pre-wrap; word-break: break-all; }
pre code { padding: 0; }
table { border-collapse: collapse; font-size: 13px; }
td, th { border: 1px solid #d1d9e0; padding: 4px 10px; }
details { margin: 6px 0; }
.add { color: #116329; background: #dafbe1; } .del { color: #82071e; background: #ffebe9; }
"""


def highlight(code, language, _):
    """Colours a diff as the platforms do."""
    if language != "diff":
        return ""
    lines = []
    for line in code.splitlines():
        text = line.replace("&", "&amp;").replace("<", "&lt;")
        kind = {"+": "add", "-": "del"}.get(line[:1])
        lines.append(f'<span class="{kind}">{text}</span>' if kind else text)
    return '<pre><code>' + "\n".join(lines) + "</code></pre>"


def main():
    markdown = MarkdownIt("gfm-like", {"highlight": highlight, "linkify": False})
    for source, (picture, size) in PICTURES.items():
        body = markdown.render((REPORTS / source).read_text())
        body = body.replace(", N unchanged", "")  # the tests count them elsewhere
        body = body.replace("<details>", "<details open>", 1)  # the first one, to show what is inside
        with tempfile.TemporaryDirectory() as work:
            page = pathlib.Path(work) / "page.html"
            page.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{body}")
            subprocess.run(
                ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={work}/profile", "--hide-scrollbars", f"--window-size={size}",
                 f"--screenshot={HERE / picture}", page.as_uri()],
                check=True, capture_output=True)


if __name__ == "__main__":
    main()
