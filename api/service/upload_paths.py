"""Which paths HTTP clients may write to and delete: plain names of articles, none that tools read.

In a project's folder `requirements.txt` or `CMakeLists.txt` decides what is installed or run, so a
key that may change articles must not change those. Names count as equal as they do on a file system
that ignores case, whatever the Unicode form.
"""

import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from ..errors import RequestInvalid

MAX_DEPTH = 16
MAX_NAME_BYTES = 200
"""File systems allow 255 a name, and 4096 a path."""
FIELD = "path.path"

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?")
"""Devices on Windows and its file shares, whatever the suffix."""
_SHORT_NAME = re.compile(r"[^.]{1,6}~[0-9]+(\..{0,3})?")
"""Another name of a file on FAT, such as `REQUIR~1.TXT`."""
_TOOL_FOLDER = re.compile(
    r"node_modules|bower_components|__pycache__|site-packages|venv|cvs|.*\.(dist|egg)-info"
)
_TOOL_FILE = re.compile(
    r"""
    # dependencies and builds
      (.*[._-])?(requirements|constraints)([._-].*)?\.txt
    | (cmakelists|cmakecache|conanfile|meson_options|install_manifest|runtime|packages|apt)\.txt
    | (entry_points|top_level|requires|dependency_links|version)\.txt
    | (package|npm-shrinkwrap|composer|bower|deno|jsr|vcpkg|project|global|cdk|app|lerna|nx|turbo
      |rush|angular|firebase|vercel|now|netlify|serverless|renovate|biome|nodemon|compile_commands
      |cmake(user)?presets|manifest|settings|launch|tasks|extensions|keybindings|devcontainer|mcp
      |config|daemon|credentials|secrets|pyrightconfig|components|workspace|import_map|importmap
      |catalog-info|dependabot|hosts)\.jsonl?
    | package-lock\.json | packages\.lock\.json | claude_desktop_config\.json
    | (ts|js)config([._-].*)?\.json | appsettings([._-].*)?\.json
    | .*([._-]config|rc|[._-]lock|service-account.*)\.json
    # websites
    | (robots|humans|security|ads|app-ads|llms|llms-full)\.txt
    | (index|default|40[0-9]|50[0-9x])\.(x?html?)
    # what hosts of code and agents read
    | (readme|changelog|contributing|code[_-]of[_-]conduct|licen[sc]e|copying|notice|codeowners
      |maintainers|agents|claude|gemini|skill|copilot-instructions|cursorrules
      |(issue|pull_request)_template)([._-][a-z_-]{2,7})?\.[a-z]+
    | (_sidebar|_navbar|_coverpage|_index)\.md
    """,
    re.VERBOSE,
)


def parse_path(
    path: str, suffixes: Collection[str], *, allowed_names: Collection[str] = ()
) -> tuple[str, ...]:
    """Returns the names of the folders and the file in a path; raises RequestInvalid.

    `allowed_names` are files that tools know and that may be changed all the same.
    """
    names = tuple(path.split("/"))
    try:
        sizes = [len(name.encode()) for name in names]
    except UnicodeEncodeError:
        raise RequestInvalid(FIELD, "is not UTF-8") from None
    if "\ufffd" in path or not path.isprintable() or "\\" in path:
        raise RequestInvalid(FIELD, "contains a character that is not allowed in file names")
    if any(not name or name.startswith(".") or name != name.strip() for name in names):
        raise RequestInvalid(FIELD, "must be plain names separated by /, none of them hidden")
    if len(names) > MAX_DEPTH or max(sizes) > MAX_NAME_BYTES:
        limit = f"{MAX_DEPTH} names of at most {MAX_NAME_BYTES} bytes each"
        raise RequestInvalid(FIELD, f"must be at most {limit}")
    folded = [fold_name(name) for name in names]
    if any(_is_ambiguous(name) for name in folded):
        cause = "has a name that ends in a dot or that some file systems take for another"
        raise RequestInvalid(FIELD, cause)
    suffix = PurePosixPath(names[-1]).suffix.lower()
    if suffix not in suffixes:
        raise RequestInvalid(FIELD, f"must end in one of {' '.join(sorted(suffixes))}")
    _check_tools(names, folded, {fold_name(name) for name in allowed_names})
    return names


def fold_name(name: str) -> str:
    """Returns a name as file systems compare it that ignore case and Unicode's forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_ambiguous(folded: str) -> bool:
    is_other = _DEVICE.fullmatch(folded) or _SHORT_NAME.fullmatch(folded)
    return folded.startswith(".") or folded.endswith((".", " ")) or is_other is not None


def _check_tools(names: tuple[str, ...], folded: list[str], allowed_names: Collection[str]) -> None:
    if any(_TOOL_FOLDER.fullmatch(name) for name in folded[:-1]):
        raise RequestInvalid(FIELD, "leads into a folder of a tool, not of articles")
    if _TOOL_FILE.fullmatch(folded[-1]) and folded[-1] not in allowed_names:
        cause = f"{names[-1]!r} is a name that tools read; allow it by FOOTNOTE_WRITABLE_NAMES"
        raise RequestInvalid(FIELD, cause)
