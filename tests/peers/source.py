"""Gets the source of a peer's release, which carries its test-suite."""

import subprocess
import sys
import tarfile


def unpacked(release, folder):
    """Put the source of *release* into *folder*; return why not, if it cannot be."""
    words = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-binary",
        ":all:",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *words, "-d", folder, release],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
        return lines[-1]
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        source.extractall(folder, filter="data")
    return ""
