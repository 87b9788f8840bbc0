"""A number and a noun → both as a person writes them."""


def amount(number: int, noun: str) -> str:
    """Returns `1 passage`, `0 passages`: the plural takes an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
