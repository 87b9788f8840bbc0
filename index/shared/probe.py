"""Is a store fit to be shared? It must honour conditional writes, or machines undo each other.

Some servers that speak S3 accept `If-Match` and `If-None-Match` and ignore them.
"""

import time
import uuid

from ..errors import SettingInvalid
from ..object_store import ObjectStore
from .collection import SharedCollection

MAX_SKEW_S = 60.0
"""Signed links of one machine are checked by the clock of another."""


def probe(shared: SharedCollection) -> str:
    """Returns what is good about the store, in words; writes an object and removes it.

    Raises SettingInvalid where it ignores conditions or its clock is off, SharedUnavailable.
    """
    key = f"{shared.prefix}/probe-{uuid.uuid4().hex}"
    try:
        _check_conditions(shared.store, key)
        skew_s = shared.store.modified(key).timestamp() - time.time()
    finally:
        shared.store.delete(key)
    if abs(skew_s) > MAX_SKEW_S:
        raise SettingInvalid(
            f"the clocks of {shared.store.url} and of this machine are {abs(skew_s):.0f} s apart: "
            "set both by a time server"
        )
    published, _ = shared.published()
    names = published[0].generation if published else "none yet"
    return f"{shared.store.url} honours conditional writes; generation {names}"


def _check_conditions(store: ObjectStore, key: str) -> None:
    first, second, third = b"first", b"second", b"third"
    store.put_new(key, first)
    is_new_honoured = not store.put_new(key, second) and store.get(key)[0] == first
    old_tag = store.get(key)[1]
    store.swap(key, second, old_tag)
    is_match_honoured = store.swap(key, third, old_tag) is None and store.get(key)[0] == second
    ignored = [
        name
        for name, is_honoured in (
            ("If-None-Match", is_new_honoured),
            ("If-Match", is_match_honoured),
        )
        if not is_honoured
    ]
    if ignored:
        raise SettingInvalid(
            f"{store.url} ignores {' and '.join(ignored)}: machines would overwrite each other's "
            "index; use a store with conditional writes, such as S3, SeaweedFS or a mounted folder"
        )
