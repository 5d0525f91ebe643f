"""A file system of a few MiB that a test fills and empties."""

import subprocess
import sys
import time

PATIENCE_S = 60


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


class SmallDisk:
    """A tmpfs of a few MiB, or a file system of another kind in a file."""

    def __init__(self, folder, mib, kind="tmpfs"):
        self.path = folder / ("disk" if kind == "tmpfs" else f"disk-{kind}")
        self.path.mkdir()
        words = ["-t", "tmpfs", "-o", f"size={mib}m", "tmpfs"]
        if kind != "tmpfs":
            image = folder / f"{kind}.image"
            with open(image, "wb") as file:
                file.truncate(mib << 20)
            subprocess.run(["/sbin/mkfs", "-t", kind, "-q", "-F", str(image)], check=True, capture_output=True)
            words = ["-o", "loop", str(image)]
        done = subprocess.run(["mount", *words, str(self.path)], capture_output=True, text=True)
        if done.returncode:
            print(f"no {kind} can be mounted here: {done.stderr.strip()}")
            sys.exit(77)

    def fill(self):
        with open(self.path / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def clear(self):
        (self.path / "filler").unlink()

    def end(self):
        # The kernel lets go of what a killed process had on its way a little later.
        until(lambda: subprocess.run(["umount", str(self.path)], capture_output=True).returncode == 0, "nobody uses it")
