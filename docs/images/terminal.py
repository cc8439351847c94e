#!/usr/bin/env python3
"""Makes a picture of one frame of a real run from its recording.

    script -qefc "stty rows 30 cols 92; bin/kraftstack up --stack lab --yes" up.ansi # the same for status
    python3 -m venv /tmp/render && /tmp/render/bin/pip install rich==15.0.0
    /tmp/render/bin/python docs/images/terminal.py up.ansi fetching,Java docs/images/up.svg

The frame is the first that holds all of the words, which are joined by commas; "last" is what stands on
the terminal at the end. The title is the file's name.
"""

import io
import pathlib
import re
import sys

from rich.console import Console
from rich.text import Text

# As internal/ui/screen.go draws: a frame between these, over the one before.
FRAME = re.compile("\x1b\\[\\?2026h(?:\r\x1b\\[\\d+A)?(.*?)\x1b\\[J\x1b\\[\\?2026l", re.DOTALL)
CLEARED = re.compile("\r\x1b\\[\\d+A\x1b\\[J")  # the last frame is taken off
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # the reader's own will do
WIDTH = 92


def frame(recording, words):
    """The text of the wanted frame, colours included."""
    frames = [match.group(1) for match in FRAME.finditer(recording)]
    end = CLEARED.split(FRAME.sub("", recording))[-1]
    for text in [end] if words == ["last"] else frames:
        text = text.replace("\x1b[K", "").replace("\r", "")
        if words == ["last"] or all(word in text for word in words):
            return text.rstrip("\n")
    raise SystemExit(f"none of {len(frames)} frames holds all of {words}")


def main():
    source, words, picture = sys.argv[1:]
    recording = pathlib.Path(source).read_bytes().decode(errors="replace")
    recording = re.sub(r"^Script (started|done).*\n?|\x1b\]11;\?\x1b\\\\|\x1b\[6n", "", recording, flags=re.MULTILINE)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text.from_ansi(frame(recording, words.split(","))))
    verb = pathlib.Path(picture).stem
    svg = console.export_svg(title=f"kraftstack {verb}", unique_id=verb)
    pathlib.Path(picture).write_text(FONTS.sub("", svg))


if __name__ == "__main__":
    main()
