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
    """A tmpfs of a few MiB."""

    def __init__(self, folder, mib):
        self.path = folder / "disk"
        self.path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(self.path)], capture_output=True,
                              text=True)
        if done.returncode:
            print(f"no tmpfs can be mounted here: {done.stderr.strip()}")
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
