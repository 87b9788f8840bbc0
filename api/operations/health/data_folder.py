"""The data folder: whether it can be written to, and who else may open it."""

import shlex
import stat
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...settings import Settings


def check_data_dir(settings: "Settings") -> None:
    """Creates the data folder; raises SettingRefused if it is not writable."""
    from ...errors import SettingRefused

    folder = settings.data_dir.absolute()
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        cause = f"cannot write to {folder} ({error.strerror}); choose another with --data-dir"
        raise SettingRefused("data_dir", cause) from error


def find_exposure(settings: "Settings") -> tuple[str, bool]:
    """Returns who else may open the data folder and how to end that, and whether it is anybody.

    The text is empty if nobody else may. New folders and files are private; the mode of an existing
    folder is its owner's choice, for example a group that makes backups.
    """
    folder = settings.data_dir.absolute()
    linked = folder / "collections"
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *([linked.resolve()] if linked.is_symlink() else []))
        if path.is_dir()
    }
    exposed = [(mode & 0o007 > 0, path) for path, mode in modes.items() if mode & 0o077]
    if not exposed:
        return "", False
    is_anybody, path = max(exposed)
    users = "every user of this machine" if is_anybody else "its group"
    command = f"chmod -R go-rwx {shlex.quote(str(path))}"
    return f"{users} may open {path} (mode {modes[path]:o}): run {command}", is_anybody
