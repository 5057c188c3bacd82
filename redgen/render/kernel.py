"""The one kernel that interprets compiled templates: columns in, bytes out.

Everything is int64 unless it is hashed. Rows are written one after the other; the kernel stops before a row that
might not fit, and reports the instruction that met a value it must not use.

Compiled code is kept on disk under the time stamp of this file alone: who changes what it calls (``digits``, ``times``,
the numbers of ``program`` and ``TIME_STYLES``; last: ``slash_date`` and ``basic_m_z``) changes this file, too.
"""

from __future__ import annotations

from redgen.compiled import kernel
from redgen.render import digits as d
from redgen.render import program as ops
from redgen.render.times import put_time, time_fits

SCRATCH = 4 + ops.MAX_DEPTH + 2
"""How many int64 the kernel needs to remember the day it is in and where forms go back to."""


@kernel(error_model="numpy")
def render(code, starts, data, offsets, columns, row, n, scratch, out, o, ends, room):  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912  # one switch
    """Write rows ``row``..``n`` of ``columns`` (int64[columns, rows]) into ``out`` from ``o`` on.

    Stops early when ``o`` passes ``room``. Returns (next row, end of output, instruction in trouble or -1); trouble
    equal to ``len(code)`` is a form that does not exist. ``ends[i]`` becomes the end of row i. ``scratch``:
    int64[SCRATCH].
    """
    calendar, returns = scratch[:4], scratch[4:]  # day since 1970, year, month, day of month; places to go back to
    calendar[0] = -(1 << 62)
    for i in range(row, n):
        if o > room:
            return i, o, -1
        form = 0
        if starts[0] >= 0:
            form = columns[starts[0], i]
            if form < 0 or form >= starts[1]:
                return i, o, len(code)
        pc = starts[2 + form]
        depth = 0
        while True:
            op, length = code[pc, 0], code[pc, 3]
            if length > 0:
                o = d.put_bytes(out, o, data, code[pc, 2], length)
            if op == ops.END:
                if depth == 0:
                    break
                depth -= 1
                pc = returns[depth]
                continue
            v, a, b, c = columns[code[pc, 1], i], code[pc, 4], code[pc, 5], code[pc, 6]
            if op == ops.TEXT:
                if v >= a or v < -b:
                    return i, o, pc
                at = offsets[c + 1 + v]
                o = d.put_bytes(out, o, data, at, offsets[c + 2 + v] - at)
            elif op == ops.INT:
                o = d.put_int(out, o, v)
            elif op == ops.IPV4:
                if v < 0 or v > 0xFFFFFFFF:
                    return i, o, pc
                o = d.put_ipv4(out, o, v)
            elif op == ops.TIME:
                if not time_fits(v, b):
                    return i, o, pc
                o = put_time(out, o, v, a, b, calendar)
            elif op == ops.DECIMAL:
                o = d.put_decimal(out, o, v, a, b, c)
            elif op == ops.FORMS:
                if v >= a or v < -1:
                    return i, o, pc
                if v >= 0:
                    returns[depth] = pc + 1
                    depth += 1
                    pc = starts[b + v]
                    continue
            elif op == ops.PICK:
                at = c + 1 + d.pick(v, b, a)
                o = d.put_bytes(out, o, data, offsets[at], offsets[at + 1] - offsets[at])
            elif op == ops.PAD:
                o = d.put_padded(out, o, v, a, b)
            elif op == ops.HEX:
                o = d.put_hex(out, o, v, c, a)
            elif op == ops.LETTERS:
                o = d.put_letters(out, o, v, c, a, data, b)
            elif op == ops.BASE62:
                o = d.put_base62(out, o, v, a, b, data, c)
            elif op == ops.UUID4:
                o = d.put_uuid4(out, o, v, c)
            elif op == ops.UUID1:
                o = d.put_uuid1(out, o, v, columns[a, i])
            pc += 1
        ends[i] = o
    return n, o, -1
