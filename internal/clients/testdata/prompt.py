"""Runs a program at a terminal: python3 prompt.py COMMAND … Each line of the input is a pair: keys to type, and the text
that the screen must show after that. It fails at the first that does not come."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

patience = 10
pairs = [json.loads("[" + line + "]") for line in sys.stdin if line.strip()]

pid, screen = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    os.environ.update(TERM="xterm", HOME="/nonexistent")  # no settings, no history
    os.execvp(sys.argv[1], sys.argv[1:])

shown = ""


def wait_for(text):
    """Waits until the text is shown, behind that of the last call."""
    global shown
    deadline = time.monotonic() + patience
    while text not in (plain := re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([screen], [], [], left)[0]:
            sys.exit(f"the screen does not show {text!r}: {shown!r}")
        try:
            shown += os.read(screen, 4096).decode(errors="replace")
        except OSError:
            sys.exit(f"it ended before it showed {text!r}: {shown!r}")
    shown = plain.split(text, 1)[1]


wait_for("> ")
for keys, text in pairs:
    os.write(screen, keys.encode())
    wait_for(text)
os.kill(pid, 9)
os.waitpid(pid, 0)
