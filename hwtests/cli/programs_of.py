# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs do the words of a command mean, parsed?"""

from collections.abc import Sequence

from hwtests.errors import UsageError
from hwtests.language import ProgramError
from hwtests.plan import Selected
from hwtests.selection import select


def read_programs(words: Sequence[str]) -> list[Selected]:
    """The programs that the words mean. Raises UsageError, also for one that cannot be parsed."""
    try:
        return [Selected.read(name, path) for name, path in select(words).items()]
    except ProgramError as error:
        raise UsageError(str(error)) from None
