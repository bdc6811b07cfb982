// The WebAssembly build's calls as JavaScript functions, for node and for browsers.

/** Loads the module's bytes; nothing is imported, so it can reach nothing. */
export async function load(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const exports = instance.exports;
  // Memory moves when it grows: look at it anew after every call.
  const text = (at) => new TextDecoder().decode(new Uint8Array(exports.memory.buffer, at, exports.length()));
  return {
    backends: () => text(exports.backends()).split(' '),
    steps: () => text(exports.names()).split(' ').map((name, which) => ({
      name,
      expected: text(exports.expected(which)),
      run: () => text(exports.golden(which)),
    })),
    /** Checks one vector of specs/vectors/ops.json: undefined, or what differs. */
    check(vector) {
      const input = encode(vector);
      const at = exports.reserve(input.length);
      new Uint8Array(exports.memory.buffer, at, input.length).set(input);
      const verdict = exports.vector(input.length);
      if (verdict === 0) return 'the vector cannot be read';
      return verdict === 1 ? undefined : text(exports.last());
    },
  };
}

/** Borsh of (row, leaves, output): counts and words are 32 bits, little-endian; the row is bytes already. */
function encode({ row, leaves, output }) {
  const rowBytes = Uint8Array.from(row.match(/../g), (digits) => parseInt(digits, 16));
  const words = (text) => {
    const list = text.split(' ').filter(Boolean);
    return [list.length, ...list.map((digits) => parseInt(digits, 16))];
  };
  const numbers = [leaves.length, ...leaves.flatMap(words), ...words(output)];
  const bytes = new Uint8Array(rowBytes.length + 4 * numbers.length);
  bytes.set(rowBytes);
  const view = new DataView(bytes.buffer, rowBytes.length);
  numbers.forEach((number, index) => view.setUint32(4 * index, number, true));
  return bytes;
}
