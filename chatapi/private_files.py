"""Protect files with secrets and messages from other users of the machine."""

import os
import stat
from pathlib import Path

# Relative to `/`. `/tmp` is missing because its sticky bit marks it as shared.
SYSTEM_FOLDERS = frozenset(
    Path("/", name)
    for name in (
        *("bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc"),
        *("root", "run", "sbin", "srv", "sys", "usr", "usr/local", "usr/share"),
        *("var", "var/cache", "var/lib", "var/log", "var/run", "var/www"),
    )
)


def make_folder_private(folder: Path, project: Path) -> None:
    """Remove the permissions of group and others from a folder and everything in it.

    Raises PermissionError when another user owns it, or when it is shared: closing `/var`, a home
    or the `project` to others would break them.
    """
    is_shared = folder in SYSTEM_FOLDERS | {Path.home()} or project.is_relative_to(folder)
    if is_shared or folder.stat().st_mode & stat.S_ISVTX:
        raise PermissionError
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in (".", *folders, *files)):
            try:
                make_private(path)
            except FileNotFoundError:  # a process that ended has removed it
                continue


def make_private(path: Path) -> None:
    """Remove the permissions of group and others from a file or folder. Ignores links."""
    mode = path.lstat().st_mode
    if not stat.S_ISLNK(mode) and mode & 0o077:
        path.chmod(stat.S_IMODE(mode) & ~0o077)
