"""An object store by its URL: `s3://`, `gs://`, `az://` (obstore), `file://` of a mounted folder.

What several machines share is written under conditions: `put_new` where a key is free, `swap` where
an object is still the one that was read. A bucket decides that by If-None-Match and If-Match, a
folder by a lock on the mount. Endpoint and credentials come from the libraries' own variables, such
as `AWS_ENDPOINT_URL` and `AWS_ACCESS_KEY_ID`.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from .errors import SettingInvalid, SharedUnavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

PART_BYTES = 8 * 1024 * 1024
"""Larger files are sent in parts, so that none is held in memory as a whole."""
PARALLEL_PARTS = 4
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, REQUEST_TIMEOUT_S = 5, 60, 3600
"""To connect; without a byte read, which sending a part must not exceed; of a whole transfer."""
RETRIES, RETRY_TIMEOUT_S, MAX_BACKOFF_S = 3, 20, 2
"""Of requests that failed on the way or with 5xx; a write is repeated only where that is safe."""
LOCK_TIMEOUT_S = 10.0
"""To wait for a mounted folder's lock, which is held for a comparison and a rename."""
_LOCK = ".lock"

_Condition = Literal["new", "any"] | tuple[str]
"""A write's condition: the key is free, none, or the object has this tag."""


class StoredObject(NamedTuple):
    """A listed object; `size` in bytes, `modified` by the store's clock."""

    key: str
    size: int
    modified: datetime


class _Backend(Protocol):
    def read(self, key: str) -> tuple[Iterator[bytes], str, datetime]: ...
    def write(self, key: str, data: bytes | Path, condition: _Condition) -> str | None: ...
    def list(self, prefix: str) -> Iterator[StoredObject]: ...
    def delete(self, key: str) -> None: ...


class ObjectStore:
    """The objects below a URL, by key; every method raises SharedUnavailable. Thread-safe."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet; raises SettingInvalid without the library or for a bad URL."""
        self.url = url
        is_folder = url.startswith("file:")
        self._backend: _Backend = _Folder(url) if is_folder else _Bucket(url)

    def get(self, key: str) -> tuple[bytes, str]:
        """Returns an object and its tag, for `swap`; raises KeyError."""
        parts, tag, _ = self._backend.read(key)
        return b"".join(parts), tag

    def modified(self, key: str) -> datetime:
        """Returns when an object was written, by the store's clock; raises KeyError."""
        return self._backend.read(key)[2]

    def put_new(self, key: str, data: bytes | Path) -> bool:
        """Writes an object, or a file of a few MB; False where the key is taken."""
        return self._backend.write(key, data, "new") is not None

    def swap(self, key: str, data: bytes, tag: str | None) -> str | None:
        """Replaces the object that has the tag (None: no object) and returns the new tag.

        None where it is another one by now: then nothing is written. That it has this very content
        counts as written: the reply to an earlier attempt may have been lost.
        """
        written = self._backend.write(key, data, "new" if tag is None else (tag,))
        if written is None:
            with suppress(KeyError):
                found, found_tag = self.get(key)
                return found_tag if found == data else None
        return written

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yields the objects below `prefix/`."""
        return self._backend.list(prefix)

    def delete(self, key: str) -> None:
        """Removes an object, if there is one."""
        self._backend.delete(key)

    def download(self, key: str, path: Path) -> str:
        """Writes an object into a file and returns the sha256 of its bytes; raises KeyError."""
        digest = hashlib.sha256()
        parts, _, _ = self._backend.read(key)
        with path.open("wb") as file:
            for part in parts:
                digest.update(part)
                file.write(part)
        return digest.hexdigest()

    def upload(self, path: Path, key: str, *, replace: bool = False) -> bool:
        """Writes a file of any size; False where the key is taken, unless that is to `replace`.

        A file above PART_BYTES may replace one that was written meanwhile: keys are of content.
        """
        if replace:
            return self._backend.write(key, path, "any") is not None
        if path.stat().st_size <= PART_BYTES:
            return self.put_new(key, path)
        with suppress(KeyError):
            self._backend.read(key)
            return False
        return self._backend.write(key, path, "any") is not None


class _Bucket:
    def __init__(self, url: str) -> None:
        try:
            import obstore
            import obstore.store
        except ImportError as error:
            message = f"{url} needs a library: pip install 'footnote[shared]'"
            raise SettingInvalid(message) from error
        client: ClientConfig = {
            "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT_S),
            "read_timeout": timedelta(seconds=READ_TIMEOUT_S),
            "timeout": timedelta(seconds=REQUEST_TIMEOUT_S),
            "allow_http": True,  # for an endpoint that its operator named so
        }
        retry: RetryConfig = {
            "max_retries": RETRIES,
            "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S),
            "backoff": {"max_backoff": timedelta(seconds=MAX_BACKOFF_S)},
        }
        # many servers that speak S3 have no bulk deletes, and one object at a time is removed here
        config = {"aws_disable_bulk_delete": True} if url.startswith("s3:") else {}
        self._url, self._obstore, self._exceptions = url, obstore, obstore.exceptions
        try:
            self._store = obstore.store.from_url(
                url, config=config, client_options=client, retry_config=retry
            )
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise SettingInvalid(f"the store {url} cannot be used: {_cause(error)}") from None
        self._tag = "version" if url.startswith("gs:") else "e_tag"

    def read(self, key: str) -> tuple[Iterator[bytes], str, datetime]:
        with self._reporting("read", key):
            result = self._obstore.get(self._store, key)
            return self._parts(result, key), self._tag_of(result.meta), result.meta["last_modified"]

    def _parts(self, result: object, key: str) -> Iterator[bytes]:
        with self._reporting("read", key):
            yield from (bytes(part) for part in result.stream(PART_BYTES))  # type: ignore[attr-defined]  # obstore's types are not checked

    def write(self, key: str, data: bytes | Path, condition: _Condition) -> str | None:
        if isinstance(condition, tuple):
            mode: object = {self._tag: condition[0]}
        else:
            mode = "create" if condition == "new" else "overwrite"
        with self._reporting("write", key):
            try:
                result = self._obstore.put(
                    self._store,
                    key,
                    data,
                    mode=mode,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARALLEL_PARTS,
                )
            except (self._exceptions.AlreadyExistsError, self._exceptions.PreconditionError):
                return None
            except FileNotFoundError as error:
                if isinstance(condition, tuple) and not _is_bucket_missing(error):
                    return None  # nothing is there to be replaced
                raise
            return self._tag_of(result)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._reporting("list", prefix):
            for batch in self._obstore.list(self._store, prefix=prefix):
                for meta in batch:
                    yield StoredObject(meta["path"], meta["size"], meta["last_modified"])

    def delete(self, key: str) -> None:
        with suppress(KeyError), self._reporting("delete", key):
            self._obstore.delete(self._store, key)

    def _tag_of(self, fields: object) -> str:
        return str(fields.get(self._tag) or "")  # type: ignore[attr-defined]  # a dict of obstore's

    @contextmanager
    def _reporting(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not _is_bucket_missing(error):
                raise KeyError(key) from None
            cause = "there is no such bucket: create it, or correct the setting `shared`"
            raise SharedUnavailable(self._url, f"cannot {action} {key}: {cause}") from None
        except (self._exceptions.BaseError, OSError) as error:
            raise SharedUnavailable(self._url, f"cannot {action} {key}: {_cause(error)}") from None


def _is_bucket_missing(error: Exception) -> bool:
    return bool(re.search("NoSuchBucket|ContainerNotFound|bucket does not exist", str(error)))


def _cause(error: Exception) -> str:
    """Returns a store's error code or a library's reason, without addresses, keys and ids."""
    text = str(error)
    status = re.search(r"status code: (\d{3} [A-Za-z ]+)", text)
    code = re.search(r"<Code>(\w+)</Code>", text)
    if status:
        return f"{status[1].strip()} ({code[1]})" if code else status[1].strip()
    return text.partition("\n")[0].rpartition(" - ")[2][:200]


class _Folder:
    """A mounted folder; its file system needs locks between machines, and atomic renames."""

    def __init__(self, url: str) -> None:
        self._url, self._root = url, Path(unquote(urlsplit(url).path))

    def read(self, key: str) -> tuple[Iterator[bytes], str, datetime]:
        with self._reporting("read", key):
            path = self._path(key)
            modified = path.stat().st_mtime
            tag = _digest(path) if path.stat().st_size <= PART_BYTES else ""
        return self._parts(path, key), tag, datetime.fromtimestamp(modified, UTC)

    def _parts(self, path: Path, key: str) -> Iterator[bytes]:
        with self._reporting("read", key), path.open("rb") as file:
            while part := file.read(PART_BYTES):
                yield part

    def write(self, key: str, data: bytes | Path, condition: _Condition) -> str | None:
        from filelock import FileLock

        with self._reporting("write", key):
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
            try:
                _copy(data, temporary)
                with FileLock(self._root / _LOCK, timeout=LOCK_TIMEOUT_S):
                    if not _holds(condition, path):
                        return None
                    temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            return _digest(path) if path.stat().st_size <= PART_BYTES else ""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._reporting("list", prefix):
            for path in sorted(self._path(prefix).rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    status, key = path.stat(), path.relative_to(self._root).as_posix()
                    modified = datetime.fromtimestamp(status.st_mtime, UTC)
                    yield StoredObject(key, status.st_size, modified)

    def delete(self, key: str) -> None:
        with self._reporting("delete", key):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not self._root.is_dir():
            cause = "there is no such folder: mount it, or correct the setting `shared`"
            raise SharedUnavailable(self._url, cause)
        names = PurePosixPath(key).parts
        if not names or any(name.startswith((".", "/")) for name in names):
            raise ValueError(f"not a key: {key!r}")
        return self._root.joinpath(*names)

    @contextmanager
    def _reporting(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise KeyError(key) from None
        except OSError as error:  # filelock's Timeout is one
            cause = error.strerror or type(error).__name__
            raise SharedUnavailable(self._url, f"cannot {action} {key}: {cause}") from error


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _holds(condition: _Condition, path: Path) -> bool:
    if isinstance(condition, tuple):
        return path.exists() and _digest(path) == condition[0]
    return condition == "any" or not path.exists()


def _copy(data: bytes | Path, path: Path) -> None:
    import shutil

    with path.open("wb") as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            with data.open("rb") as source:
                shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())
