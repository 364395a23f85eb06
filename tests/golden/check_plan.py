#!/usr/bin/python3
"""Compares the two forms of a plan: check_plan.py PLAN PLAN.json [SCHEMA]

The JSON fits grammar/plan.schema.json; the CBOR, decoded, says the same; encoding it again by
the rules of RFC 8949, 4.2.1 gives the same bytes; the JSON is laid out as doc/plan.md says.
"""
import decimal
import json
import os
import struct
import sys

import cbor2
import jsonschema


def fail(what):
    sys.exit(f"{sys.argv[1]}: {what}")


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | code]) + n.to_bytes(size, "big")
    fail("a number beyond 64 bits")


def encode_float(x):
    for code, form in ((0xf9, ">e"), (0xfa, ">f"), (0xfb, ">d")):
        try:
            packed = struct.pack(form, x)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == x:
            return bytes([code]) + packed
    fail(f"{x} is not finite")


def encode(x):
    """Deterministic CBOR, written anew and not by the library that decoded."""
    if x is None or isinstance(x, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[x]
    if isinstance(x, int):
        return head(0, x) if x >= 0 else head(1, -1 - x)
    if isinstance(x, float):
        return encode_float(x)
    if isinstance(x, str):
        text = x.encode()
        return head(3, len(text)) + text
    if isinstance(x, list):
        return head(4, len(x)) + b"".join(map(encode, x))
    pairs = sorted((encode(k), encode(v)) for k, v in x.items())
    return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)


def same(c, j, path):
    """C from CBOR, J from JSON with exact decimals."""
    if isinstance(j, dict):
        if not isinstance(c, dict) or c.keys() != j.keys():
            fail(f"{path}: keys differ")
        for key in j:
            same(c[key], j[key], f"{path}.{key}")
    elif isinstance(j, list):
        if not isinstance(c, list) or len(c) != len(j):
            fail(f"{path}: lengths differ")
        for i, (a, b) in enumerate(zip(c, j)):
            same(a, b, f"{path}[{i}]")
    elif isinstance(j, decimal.Decimal):
        if not isinstance(c, float) or c != float(j) or j == j.to_integral_value():
            fail(f"{path}: {c!r} is not {j}")
        if j.as_tuple().exponent < -9 or str(j).endswith("0"):
            fail(f"{path}: {j} is not rounded to 9 digits without trailing zeros")
    elif isinstance(j, int) and not isinstance(j, bool) and not -2**64 <= j < 2**64:
        if not isinstance(c, float) or c != float(j):
            fail(f"{path}: {c!r} is not {j}")
    elif type(c) is not type(j) or c != j:
        fail(f"{path}: {c!r} is not {j!r}")


class Decimal(float):
    """A number that json.dumps prints as it was written."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self):
        return self.text


def laid_out(x, indent=""):
    if isinstance(x, (dict, list)) and x:
        deeper = indent + "  "
        open_, close = "{}" if isinstance(x, dict) else "[]"
        if isinstance(x, dict):
            parts = [f"{json.dumps(k, ensure_ascii=False)}: {laid_out(x[k], deeper)}"
                     for k in sorted(x, key=str.encode)]
        else:
            parts = [laid_out(v, deeper) for v in x]
        return open_ + ",".join("\n" + deeper + p for p in parts) + "\n" + indent + close
    if isinstance(x, Decimal):
        return x.text
    return json.dumps(x, ensure_ascii=False)


def main(plan, plan_json, schema):
    with open(plan, "rb") as f:
        binary = f.read()
    with open(plan_json, encoding="utf-8", newline="") as f:
        text = f.read()
    with open(schema, encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    if binary[:3] != b"\xd9\xd9\xf7":
        fail("the CBOR tag 55799 is missing")
    decoded = cbor2.loads(binary[3:])
    same(decoded, json.loads(text, parse_float=decimal.Decimal), "plan")
    if binary[3:] != encode(decoded):
        fail("the CBOR is not deterministically encoded")
    if text != laid_out(json.loads(text, parse_float=Decimal)) + "\n":
        fail("the JSON is not laid out as it should be")


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
TOP = os.path.join(os.path.dirname(sys.argv[0]), "..", "..")
main(sys.argv[1], sys.argv[2],
     sys.argv[3] if len(sys.argv) == 4 else os.path.join(TOP, "grammar", "plan.schema.json"))
print(f"{sys.argv[1]}: both forms agree")
