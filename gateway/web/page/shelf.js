// A small memory that survives a reload where the browser lets it, and works without where it does not.

const spare = new Map();
const PREFIX = "recado.";

export const shelf = {
  get: (key) => attempt((box) => box.getItem(PREFIX + key), () => spare.get(key) ?? null),
  put: (key, value) => attempt((box) => box.setItem(PREFIX + key, value), () => spare.set(key, value)),
  drop: (key) => { spare.delete(key); attempt((box) => box.removeItem(PREFIX + key), () => {}); },
  keys: (start) => attempt((box) => Object.keys(box), () => [...spare.keys()].map((key) => PREFIX + key))
    .filter((key) => key.startsWith(PREFIX + start)).map((key) => key.slice(PREFIX.length)),
};

function attempt(stored, instead) {
  try { return stored(localStorage); } catch (reason) {
    console.warn("nothing is kept across reloads:", reason.name);
    return instead();
  }
}
