# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a program say?  The program language, from text to nodes to numbered calls (docs/language.md)."""

from .compile import compile_program
from .errors import ProgramError
from .parser import parse, parse_file
from .printer import print_program, program_hash
from .settings import ProcessSettings, RegionSettings, process_settings, region_settings

__all__ = [
    "ProcessSettings",
    "ProgramError",
    "RegionSettings",
    "compile_program",
    "parse",
    "parse_file",
    "print_program",
    "process_settings",
    "program_hash",
    "region_settings",
]
