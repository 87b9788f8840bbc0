"""Forms that are filled in: their labels and values as people see them."""

from collections.abc import Iterator
from itertools import islice

from .tree import Element

MAX_VALUE_CHARS = 2_000
PROSE_FORM_CHARS = 400
"""Prose from which a form of few controls is read as text."""
_ANCESTORS = 5
"""Elements around a control in which its label is looked for."""
_LABEL_PARTS = 10
_VALUED = frozenset(
    {"", "text", "email", "tel", "url", "number", "date", "time", "month", "week", "datetime-local"}
)


def is_content_form(form: Element) -> bool:
    """Returns whether a form is read for its text: prose, sections, or values filled in."""
    if len(filled_fields(form)) >= 2:
        return True
    return form.prose_chars >= PROSE_FORM_CHARS and form.prose_chars >= 40 * form.controls


def filled_fields(form: Element) -> dict[int, str]:
    """Returns `name: value` of each labelled control with a value, by the control's id()."""
    labels = {
        target: label.text(200)
        for label in form.preorder()
        if label.tag == "label" and (target := label.attributes.get("for"))
    }
    fields: dict[int, str] = {}
    for control in form.preorder():
        if control.tag not in ("input", "select", "textarea", "output"):
            continue
        value = control_value(control)
        name = labels.get(control.attributes.get("id", "")) or _label(control)
        if value and name and name.rstrip(" :*") != value:
            fields[id(control)] = f"{name.rstrip(' :*')}: {value}"
    return fields


def control_value(control: Element) -> str:
    """Returns the value that a control shows; empty where nothing is chosen or filled in."""
    attributes = control.attributes
    if control.tag == "input":
        kind = attributes.get("type", "").lower()
        if kind in ("checkbox", "radio"):
            return ("yes" if kind == "checkbox" else "") if "checked" in attributes else ""
        value = attributes.get("value", "") if kind in _VALUED else ""
    elif control.tag == "select":
        value = ", ".join(option.text(200) for option in _selected(control))
    else:
        value = control.text(MAX_VALUE_CHARS)
    return " ".join(value.split())[:MAX_VALUE_CHARS]


def _selected(select: Element) -> Iterator[Element]:
    return (
        option
        for option in select.preorder()
        if option.tag == "option" and "selected" in option.attributes
    )


def _label(control: Element) -> str:
    """Returns the words of the label around a control, or of `aria-label`."""
    for ancestor in islice(control.ancestors(), _ANCESTORS):
        if ancestor.tag == "label":
            inner = [c for c in ancestor.children[:_LABEL_PARTS] if c is not control]
            texts = [part if isinstance(part, str) else part.text(200) for part in inner]
            return " ".join(" ".join(texts).split())
        if ancestor.tag in ("form", "body"):
            break
    return control.attributes.get("aria-label", "")
