"""The published op vectors, computed again element by element, term by term (M-3.1 to M-3.13, M-5)."""

import json
import os
import unittest

import ops
from borsh import Reader
from rows import START, read_row

VECTORS = os.path.join(os.path.dirname(__file__), "..", "vectors", "ops.json")


def words(text):
    return [int(word, 16) for word in text.split()]


def operands(row, leaves, index, term):
    """Words that the operands read; a look-up that names no row reads the canonical NaN (M-4.2)."""
    found = []
    for operand in row.operands:
        place = operand.place(index, term, found)
        found.append(0x7FC00000 if place is None else leaves[operand.leaf.index][place])
    return found + [0] * (3 - len(found))


def chain(row, leaves, index, lane):
    accumulator = ops.empty_accumulator(row.kind)
    for link in range(row.links(index, lane)):
        term = row.link(index, lane, link)
        if term == START:
            accumulator = leaves[row.start.leaf.index][row.start.place(index, 0, [])]
        else:
            accumulator = ops.next_accumulator(row.kind, accumulator, operands(row, leaves, index, term), index)
    return ops.canonical(accumulator)


def element(row, leaves, scalars, flat):
    index = row.index(flat)
    if row.is_masked(index):
        return 0
    if ops.form(row.kind) == ops.ELEMENT:
        return ops.element_value(row.kind, operands(row, leaves, index, 0), scalars, index)
    if ops.form(row.kind) == ops.CHAIN:
        return chain(row, leaves, index, 0)
    return ops.lane_total(row.kind, [chain(row, leaves, index, lane) for lane in range(ops.LANES)])


class Vectors(unittest.TestCase):
    def test_every_element(self):
        with open(VECTORS) as file:
            vectors = json.load(file)
        for vector in vectors:
            row, _ = read_row(Reader(bytes.fromhex(vector["row"])))
            row.check()
            self.assertEqual(row.kind, vector["kind"])
            leaves, scalars = [words(leaf) for leaf in vector["leaves"]], words(vector["scalars"])
            found = [element(row, leaves, scalars, flat) for flat in range(row.elements())]
            self.assertEqual(found, words(vector["output"]), row)
        self.assertEqual({vector["kind"] for vector in vectors}, set(ops.KINDS))

    def test_philox(self):
        """M-3.13: known answers of the authors' library."""
        self.assertEqual(ops.philox([0] * 4, (0, 0)), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8))
        ones = 0xFFFFFFFF
        self.assertEqual(ops.philox([ones] * 4, (ones, ones)), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD))


if __name__ == "__main__":
    unittest.main()
