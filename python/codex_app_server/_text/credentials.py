"""What a credential is called: members of messages, settings, variables, headers, options of commands.

Owns the one list of such names, which whoever hides or refuses a value by its name goes by. It says nothing
of values.
"""

from __future__ import annotations

import re

# How a name ends that is a credential's. A key is one of something; `env_key` is the name of a variable.
ENDING = (
    r"(?:(?:api|access|account|auth|private|secret|signing|subscription)key|(?<!env)[_-]key|[_-]pa(?:t|ss)|[_-]pwd|token|secret"
    r"|passw(?:or)?d|passphrase|passcode|credential|authorization|cookie|bearer|jwt|code[_-]?verifier"
    r"|(?:user|device|auth)[_-]?code)s?"
)
# What is one in the query of an address only.
IN_QUERY = "(?:key|code|sig|signature)"
_NAME = re.compile(rf"(?i)(?:{ENDING}|\bquery_params\.{IN_QUERY})\Z")
_OPTION = re.compile(rf"(?i)--?[\w.-]*{ENDING}\Z")


def is_credential(name: str) -> bool:
    """Whether what is called so is a credential; `name` may be a path of names."""
    return _NAME.search(name) is not None


def is_option(argument: str) -> bool:
    """Whether what comes next in a command is a credential."""
    return _OPTION.match(argument) is not None
