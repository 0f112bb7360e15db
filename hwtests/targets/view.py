# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a region's content seen and changed from the host?  As an array over the file that is the guest's memory."""

from __future__ import annotations

import errno
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hwtests.language.settings import RegionSettings
from native.wire import OutsideRequest

if TYPE_CHECKING:
    import numpy as np

    Bytes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]

# numpy is loaded by the functions: a kernel is started before it is needed, and boots meanwhile.


def map_file(path: Path, size: int) -> Bytes:
    """A host's file as an array of its bytes, shared: what the guest stores shows in it, and the other way round."""
    import numpy as np

    with open(path, "r+b") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), size), dtype=np.uint8)


def fill(view: Bytes, settings: RegionSettings, pages: int, page_size: int) -> None:
    """Give the first `pages` of `view` the content that the program asks for, else zeros."""
    import numpy as np

    if settings.fill == "pattern":
        content = b"".join(settings.content(page, page_size) or b"" for page in range(pages))
        view[: pages * page_size] = np.frombuffer(content, np.uint8)
    else:
        view[: pages * page_size] = settings.fill or 0


def answer(view: Bytes | None, request: OutsideRequest, page_size: int) -> bytes:
    """What a peek sees (its bytes); a poke is done (no bytes). Raises OSError outside of the region."""
    import numpy as np

    width = request.width or page_size
    if view is None or request.byte + width > len(view):
        raise OSError(errno.EINVAL, "outside of the region")
    place = view[request.byte : request.byte + width]
    if not request.write:
        return place.tobytes()
    if request.width:
        place[:] = np.frombuffer(request.value.to_bytes(8, "little")[:width], np.uint8)
    else:
        place[:] = request.value & 0xFF
    return b""
