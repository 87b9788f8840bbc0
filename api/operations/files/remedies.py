"""What to do about a file that was left out of the index, by the cause that the sync reports."""

import re

_REMEDIES: tuple[tuple[str, str], ...] = (
    ("is not among the enabled formats", "Convert it, or add its format to FOOTNOTE_FORMATS."),
    (r"has [\d,]+ bytes, more than|has more than [\d,]+ bytes",
     "Split the file, or raise FOOTNOTE_MAX_FILE_BYTES."),
    ("scanned", "Recognise its text first, for example with ocrmypdf, and upload the result."),
    ("password|encrypted", "Save it without a password or encryption."),
    ("contains no text|navigation but no text", "Add text, or delete the file."),
    ("is a binary file", "Give it the suffix of its real format, or delete it."),
    ("links to a target outside|is a broken link", "Replace the link by the file itself."),
    ("cannot be (listed|accessed|read)", "Let the service read it: check owner and permissions."),
    ("not a regular file", "Replace it by a plain file."),
    ("name is not UTF-8|its path has more than", "Rename the file."),
    ("took more than|needs more than|inflates to|has more than|contains more than|of more than",
     "Split it into smaller files."),
    ("damaged|malformed|not valid|cannot be decoded|contains no |names no ",
     "Open it in the program that made it, save it again, and upload that."),
    ("is no mail|no mailbox", "Export the mail again as .eml or .mbox."),
)  # fmt: skip
_OTHERWISE = "Open the file to see whether it is whole, save it again, and sync."


def remedy(cause: str) -> str:
    """Returns what to do about a skipped file, in a sentence."""
    return next((text for pattern, text in _REMEDIES if re.search(pattern, cause)), _OTHERWISE)
