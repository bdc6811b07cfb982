"""Canonical bytes, read forward: little-endian integers, u32 length prefixes, u8 tags (V-6.1)."""

from verdict import Unreadable


class Reader:
    """A cursor over bytes; whatever is not there, or not canonical, is unreadable."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        """The next `count` bytes."""
        end = self.at + count
        if end > len(self.data):
            raise Unreadable("the file ends inside byte string at %d" % self.at)
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def since(self, start):
        """The bytes read since `start`: what was signed or hashed, exactly as it was written."""
        return self.data[start : self.at]

    def uint(self, size):
        """An unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def u8(self):
        return self.uint(1)

    def u16(self):
        return self.uint(2)

    def u32(self):
        return self.uint(4)

    def u64(self):
        return self.uint(8)

    def digest(self):
        """Thirty-two bytes."""
        return self.take(32)

    def bool(self):
        """0 or 1, and no other byte."""
        return bool(self.tag(2))

    def tag(self, count):
        """The number of an enum's variant, below `count`."""
        tag = self.u8()
        if tag >= count:
            raise Unreadable("tag %d at byte %d, of %d variants" % (tag, self.at - 1, count))
        return tag

    def option(self, read):
        """Nothing, or what `read` reads."""
        return read() if self.bool() else None

    def fixed(self, count, read):
        """Exactly `count` elements."""
        return [read() for _ in range(count)]

    def vector(self, read, limit=None):
        """A u32 count and that many elements; every element has at least one byte."""
        count = self.u32()
        if count > len(self.data) - self.at or (limit is not None and count > limit):
            raise Unreadable("%d elements at byte %d" % (count, self.at - 4))
        return self.fixed(count, read)

    def bytes(self):
        """A u32 length and that many bytes."""
        return self.take(self.u32())

    def end(self):
        """Nothing may be left over."""
        if self.at != len(self.data):
            raise Unreadable("%d bytes are left over" % (len(self.data) - self.at))
