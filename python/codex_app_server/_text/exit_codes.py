"""An exit code in words: on Windows those of the system itself are numbers that nobody knows by heart."""

from __future__ import annotations

__all__ = ["exit_code_text"]

# The usual ones of Microsoft's list of NTSTATUS values ([MS-ERREF], section 2.3.1).
_NTSTATUS = {
    0x40010004: "DBG_TERMINATE_PROCESS",
    0x80000003: "STATUS_BREAKPOINT",
    0xC0000005: "STATUS_ACCESS_VIOLATION",
    0xC0000017: "STATUS_NO_MEMORY",
    0xC000001D: "STATUS_ILLEGAL_INSTRUCTION",
    0xC0000022: "STATUS_ACCESS_DENIED",
    0xC000007B: "STATUS_INVALID_IMAGE_FORMAT",
    0xC0000094: "STATUS_INTEGER_DIVIDE_BY_ZERO",
    0xC00000FD: "STATUS_STACK_OVERFLOW",
    0xC000012D: "STATUS_COMMITMENT_LIMIT",
    0xC0000135: "STATUS_DLL_NOT_FOUND",
    0xC0000139: "STATUS_ENTRYPOINT_NOT_FOUND",
    0xC000013A: "STATUS_CONTROL_C_EXIT",
    0xC0000142: "STATUS_DLL_INIT_FAILED",
    0xC0000374: "STATUS_HEAP_CORRUPTION",
    0xC0000409: "STATUS_STACK_BUFFER_OVERRUN",
}

# What a program itself exits with is below; no other system has more than 8 bits.
_FIRST_OF_THE_SYSTEM = 0x40000000


def exit_code_text(code: int) -> str:
    """`exit code 3`, or `exit code 0xC000013A, STATUS_CONTROL_C_EXIT`."""
    if code < _FIRST_OF_THE_SYSTEM:
        return f"exit code {code}"
    name = _NTSTATUS.get(code)
    return f"exit code 0x{code:08X}" + (f", {name}" if name else "")
