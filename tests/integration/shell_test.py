#!/usr/bin/env python3
# beside others
"""tickgate beyond single questions: files of commands, commands as they are typed, streams, the live view, completion.

Exit code 77: the programs are not built.
"""

import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import CLI, PATIENCE_S, Node, built, run_tests, script, until  # noqa: E402


def run(node, *words, stdin="", code=0):
    done = subprocess.run(
        [str(CLI), "--socket", str(node.socket), *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, f"{words}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def test_file(node):
    path = node.folder / "commands"
    path.write_text(
        "# looks first\n\nversion --json\nshow  symbols 'AAPL'\n"
        'halt --reason "two words"\nresume --reason over --yes\n',
        encoding="utf-8",
    )
    out, error = run(node, "-f", str(path))
    assert not error and '"dataplane": "fake"' in out and "AAPL" in out, out + error
    assert "reason=two words" in run(node, "show", "events")[0]
    assert json.loads(run(node, "show", "trading", "--json")[0])["in_force"] == []
    out, _ = run(node, "-f", str(path), "-x")
    assert "> version --json\n" in out, out
    # The first that fails is the last, with its code and place.
    path.write_text("version\nshow book NOPE\nhalt --reason never\n", encoding="utf-8")
    _, error = run(node, "-f", str(path), code=1)
    assert "no symbol 'NOPE'" in error and f"{path}:2: stopped here" in error, error
    assert json.loads(run(node, "show", "trading", "--json")[0])["in_force"] == []
    for line, code, say in (
        ("show moon", 2, "no command"),
        ("show 'book", 2, "a quote (') is not closed"),
        ("resume --reason r", 5, "add --yes"),
        ("x " * 80, 2, "more than 63 words"),
    ):
        _, error = run(node, "-f", "-", stdin=f"version\n{line}\nversion\n", code=code)
        assert say in error and "standard input:2: stopped here" in error, error
    _, error = run(node, "-f", str(node.folder / "none"), code=2)
    assert "No such file" in error, error


def test_file_unreadable(node):
    """What cannot be read is no end of the file, and what is not text is not left out."""
    _, error = run(node, "-f", str(node.folder), code=1)
    assert "Is a directory" in error and f"{node.folder}:1: stopped here" in error, error
    path = node.folder / "commands"
    for line in (b"version\0halt --reason never", b"\0halt --reason never", b"# look\0 here"):
        path.write_bytes(b"version\n" + line + b"\nhalt --reason never\n")
        out, error = run(node, "-f", str(path), code=2)
        assert out.count("dataplane ") == 1, out
        assert "a zero byte" in error and f"{path}:2: stopped here" in error, error
    assert json.loads(run(node, "show", "trading", "--json")[0])["in_force"] == []


def test_approval(node):
    """Nobody at a terminal: what widens has to be said with --yes."""
    for words in (("resume",), ("strategy", "enable", "takes"), ("strategy", "set", "quotes", "shares=1")):
        _, error = run(node, *words, "--reason", "r", code=5)
        assert "add --yes" in error, error
    run(node, "kill")  # never asks
    run(node, "resume", "--reason", "r", "--yes")


def test_kill_unanswered(node):
    """Whoever kills and gets no answer is told the way without a control plane; nobody else is."""
    direct = "`tickgate kill --direct` needs no control plane"
    hung, full = node.folder / "hung.sock", node.folder / "full.sock"
    with socket.socket(socket.AF_UNIX) as hangs, socket.socket(socket.AF_UNIX) as queue, socket.socket(socket.AF_UNIX) as first:
        hangs.bind(str(hung))
        hangs.listen(8)
        queue.bind(str(full))
        queue.listen(0)
        first.connect(str(full))  # and nobody else finds room
        asked = [
            subprocess.Popen([str(CLI), "--socket", str(path), *words], stderr=subprocess.PIPE, text=True)
            for path, *words in ((hung, "kill"), (hung, "status"), (full, "kill"))
        ]
        errors = [process.communicate(timeout=PATIENCE_S)[1] for process in asked]
    assert [process.returncode for process in asked] == [3, 3, 3], errors
    assert all("no answer in time" in error for error in errors), errors
    assert direct in errors[0] and "--direct" not in errors[1] and errors[2].count("--direct") == 1, errors
    node.stop_dataplane()
    until(lambda: node.cli("status")[0] == 3, "the end of the dataplane is noticed")
    for words, told in ((("kill",), True), (("halt", "--reason", "r"), False)):
        _, error = run(node, *words, code=3)
        assert (direct in error) == told, error
    node.start_fake()
    until(lambda: node.cli("status")[0] == 0, "the next dataplane is there")


def lines_of(process, count):
    """The next lines, in time."""
    lines, rest = [], b""
    end = time.monotonic() + PATIENCE_S
    while len(lines) < count:
        assert select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0], f"only {lines}"
        more = os.read(process.stdout.fileno(), 65536)
        assert more, f"it ended after {lines}"
        *whole, rest = (rest + more).split(b"\n")
        lines += [line.decode() for line in whole]
    return lines


def start(node, *words):
    return subprocess.Popen(
        [str(CLI), "--socket", str(node.socket), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def stop(process, code=0):
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, f"{process.returncode}: {error}"


def test_events(node):
    after = str(json.loads(run(node, "show", "events", "--json")[0])["next_after"])
    for form in ((), ("--json",)):
        process = start(node, "events", "--after", after, *form)
        if not form:
            node.dataplane("events 3")
        lines = lines_of(process, 3)
        if form:
            assert [json.loads(line)["params"]["fields"]["from"] for line in lines[:3]] == [1, 2, 3], lines
        else:
            assert [line.split()[3] for line in lines] == ["from=1", "from=2", "from=3"], lines
        stop(process)
    process = start(node, "events", "--topics", "logs", "--after", "0")
    while process.poll() is None and not select.select([process.stdout], [], [], 0.2)[0]:
        run(node, "cancel", "--reason", "said in the log")
    assert "said in the log" in lines_of(process, 1)[0]
    stop(process)
    _, error = run(node, "events", "--topics", "moon", code=2)
    assert "no topic 'moon'" in error, error
    assert "--watch" in run(node, "events", "--watch", code=2)[1]


def test_top(node):
    out, error = run(node, "top")
    assert not error and "\033" not in out, "no colour and no cursor where nobody looks"
    for word in ("test-node", "lane0", "itch", "nsdq", "ready"):
        assert word in out, f"{word}: {out}"
    both = json.loads(run(node, "top", "--json")[0])
    assert both["status"]["node"] == "test-node" and len(both["sessions"]["sessions"]) == 2
    process = start(node, "top", "--json", "--watch=0.1")
    assert all(json.loads(line)["lanes"] for line in lines_of(process, 3)[:3])
    stop(process)


class Terminal:
    """Somebody who types."""

    def __init__(self, *command):
        self.said = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "vt100"
            os.execv(command[0], command)

    def until(self, what):
        end = time.monotonic() + PATIENCE_S
        while what not in self.said:
            assert select.select([self.fd], [], [], max(0, end - time.monotonic()))[0], f"never {what!r}: {self.said!r}"
            self.said += os.read(self.fd, 65536).decode(errors="replace")
        self.said = self.said[self.said.index(what) + len(what) :]

    def type(self, text):
        os.write(self.fd, text.encode())

    def ended(self):
        end = time.monotonic() + PATIENCE_S
        try:  # what is left to read: a program waits for it before it gives the terminal back
            while select.select([self.fd], [], [], max(0, end - time.monotonic()))[0] and os.read(self.fd, 65536):
                pass
        except OSError:
            pass  # nobody is at the other end any more
        assert time.monotonic() < end, "it does not end"
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_typed(node):
    t = Terminal(str(CLI), "--socket", str(node.socket))
    t.until("tickgate> ")
    t.type("version\n")
    t.until("dataplane        fake")
    t.until("tickgate> ")
    t.type("stat\t\n")  # the one word that begins so
    t.until("test-node")
    t.until("tickgate> ")
    t.type("show b\t AAPL --dep\t 1\n")
    t.until("100.0000")
    t.until("tickgate> ")
    t.type("--json trac\t exp\t --one\t\n")  # options before it, and a command that begins another
    t.until("--one-in: N is missing")
    t.until("tickgate> ")
    t.type("show moon\n")
    t.until("no command 'show moon'")
    t.until("tickgate> ")
    t.type("resume --reason r\n")
    t.until("Type yes to go on: ")
    t.type("no\n")
    t.until("nothing was changed")
    t.until("tickgate> ")
    t.type("quit\n")
    assert t.ended() == 0


def test_interrupted(node):
    """Ctrl-C drops the line, or ends the command; the shell stays. Ctrl-D ends it."""
    t = Terminal(str(CLI), "--socket", str(node.socket))
    for typed in ("", "halt --reason dropped", "show 'open"):
        t.until("tickgate> ")
        t.type(typed)
        t.until(typed)
        t.type("\x03")
        t.until("^C")
    t.until("tickgate> ")
    t.type("version\n")  # nothing of what was dropped stands before it
    t.until("dataplane        fake")
    t.until("tickgate> ")
    t.type("version --watch=0.1\n")
    t.until("dataplane        fake")
    t.until("dataplane        fake")
    t.type("\x03")
    t.until("tickgate> ")
    t.type("show moon\n")
    t.until("no command 'show moon'")
    t.until("tickgate> ")
    t.type("\x04")
    assert t.ended() == 0
    assert json.loads(run(node, "show", "trading", "--json")[0])["in_force"] == []


def test_suspended(node):
    """Ctrl-Z goes back to the shell before it, with its terminal; fg goes on with the line."""
    t = Terminal("/usr/bin/env", "PS1=shell> ", "/bin/bash", "--norc", "-i")
    t.until("shell> ")
    t.type(f"{CLI} --socket {node.socket}\n")
    t.until("tickgate> ")
    for typed in ("show", " moon"):
        t.type(typed)
        t.until(typed)
        t.type("\x1a")
        t.until("Stopped")
        t.until("shell> ")
        t.type("fg\n")
        t.until("tickgate> show")
    t.type("\n")
    t.until("no command 'show moon'")
    t.until("tickgate> ")
    t.type("quit\n")
    t.until("shell> ")
    t.type("exit 7\n")
    assert t.ended() == 7


def offered(shell, script, words):
    """What the shell would offer for the last of these words; ["<files>"]: names of files."""
    if shell == "bash":
        program = (
            f'compopt() {{ [ "$*" = "-o default" ] && COMPREPLY=("<files>"); }}; source {script}; COMP_WORDS=({words}); '
            'COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _tickgate; printf "%s\\n" "${COMPREPLY[@]}"'
        )
    else:  # zsh leaves out by itself what does not begin like the word
        program = (
            f"compdef() {{ :; }}; compadd() {{ shift; print -l -- ${{(M)@:#$words[CURRENT]*}}; }}; "
            f"_files() {{ print -- '<files>'; }}; source {script}; words=({words}); CURRENT=$#words; _tickgate"
        )
    command = [shell, "-c" if shell == "bash" else "-fc", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert not done.stderr, done.stderr
    return done.stdout.split()


def test_completion(node):
    for shell in [s for s in ("bash", "zsh") if shutil.which(s)]:
        script = node.folder / f"completion.{shell}"
        script.write_text(run(node, "completion", shell)[0], encoding="utf-8")

        def offers(words):
            return offered(shell, script, f"tickgate {words}")

        top = offers("''")
        assert {"status", "show", "kill", "events", "top", "completion"} <= set(top) and len(top) == len(set(top)), top
        for words, want in (
            ("st", ["status", "strategy"]),
            ("show book AAPL --d", ["--depth"]),
            ("kill --dir", ["--direct"]),
            ("moon ''", []),
            # A command that another begins with.
            ("trace ''", ["export"]),
            ("trace export --o", ["--one-in"]),
            ("trace --o", []),
            # Options before the command, of every command, of files of commands.
            ("--json show bo", ["book"]),
            ("--socket /tmp/x --watch=2 show bo", ["book"]),
            ("--socket = /tmp/x --watch = 2 show bo", ["book"]),
            ("show --json bo", ["book"]),
            ("-", ["-f", "--json", "--watch", "--socket", "--help", "--version"]),
            ("-f commands ''", ["-x", "--socket"]),
            # Names of files, and only there.
            ("journal verify /tm", ["<files>"]),
            ("journal verify ''", ["<files>"]),
            ("journal verify --se", ["--seal"]),
            ("journal verify --seal ''", ["<files>"]),
            ("journal verify --seal = /tm", ["<files>"]),
            ("journal verify --seal /tmp/x /tm", ["<files>"]),
            ("journal verify /tmp/x /tm", []),
            ("journal tail -f ''", ["<files>"]),
            ("journal tail --count ''", []),
            ("journal export csv /tm", ["<files>"]),
            ("journal export cs", []),
            ("capture export /tmp/x /tm", ["<files>"]),
            ("config apply /tm", ["<files>"]),
            ("replay /", ["<files>"]),
            ("trace 0123 /tm", ["<files>"]),
            ("trace export /tm", ["<files>"]),
            ("show book /tm", []),
            ("reload /tm", []),
            ("--socket /tm", ["<files>"]),
            ("-f ''", ["<files>"]),
        ):
            got = offers(words)
            assert got == want, f"{shell}: {words}: {got}, not {want}"
        assert "--watch" not in offers("kill --") and "--watch" in offers("top --")
        assert "book" in offers("show ''")
    assert run(node, "completion", "zsh")[0].startswith("#compdef tickgate\n")


def test_completion_typed(node):
    """The shells themselves, at a terminal."""
    place = node.folder / "a place"
    place.mkdir()
    (place / "wanted").touch()
    start = {"bash": ("bash", "--norc", "-i"), "zsh": ("zsh", "-fi")}
    for shell in [s for s in start if shutil.which(s)]:
        script = node.folder / f"completion.{shell}"
        script.write_text(run(node, "completion", shell)[0], encoding="utf-8")
        t = Terminal("/usr/bin/env", "PS1=shell> ", f"PATH={CLI.resolve().parent}:{os.environ['PATH']}", *start[shell])
        t.until("shell> ")
        first = "autoload -Uz compinit; compinit -D -u; " if shell == "zsh" else ""
        t.type(f"{first}source {script}; echo so''urced\n")
        t.until("sourced")
        t.until("shell> ")
        t.type("tickgate --json trace ex\t")
        t.until("port")
        t.type("--one\t")
        t.until("-in")
        t.type("\n")
        t.until("--one-in: N is missing")
        t.until("shell> ")
        t.type(f"tickgate journal verify {node.folder}/a\t")
        t.until("place")
        t.type("/wan\t")
        t.until("ted")
        t.type("\n")
        t.until("wanted: Not a directory")
        t.until("shell> ")
        t.type("exit 7\n")
        assert t.ended() == 7, shell


def test_manual(node):
    page = run(node, "man")[0]
    for what in ('.SS "show book"', ".B \\-\\-depth \\fIN\\fR", "5 needs approval, 6 forbidden"):
        assert what in page, f"{what}: {page[:500]}"
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-P-cbou"], input=page, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        assert not done.stderr and "show book" in done.stdout, done.stderr


def main():
    missing = built()
    if missing:
        print(missing)
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-shell-") as name, Node(pathlib.Path(name)) as node:
        run_tests(globals(), node)
    return 0


if __name__ == "__main__":
    script(main)
