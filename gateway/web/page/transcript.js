// What was said, in the gateway's order, each message once, never more than LIMIT of them.

const LIMIT = 300;
const RECENT = 20;

// "3-2" is the last seen entry of each direction; both numbers only grow along a transcript.
export function compare(one, other) {
  const [a, b] = [one, other].map((cursor) => cursor.split("-").map(Number));
  return a[0] - b[0] || a[1] - b[1];
}

export class Transcript {
  messages = [];
  cursor = "";
  trimmed = false;

  // False when it was already here, or was taken back before it was delivered.
  add(message) {
    if (!this.cursor || compare(message.cursor, this.cursor) > 0) this.cursor = message.cursor;
    if (message.withdrawn || this.messages.some((known) => known.cursor === message.cursor)) return false;
    if (this.trimmed && compare(message.cursor, this.messages[0].cursor) < 0) return false;
    this.#insert(message);
    if (this.messages.length > LIMIT) this.#trim();
    return true;
  }

  // Where to read again to learn the words of the contact's latest notes; null when all are known.
  get unheard() {
    const recent = this.messages.slice(-RECENT);
    const place = recent.findIndex(({ from, part }) => from === "contact" && part.kind === "voice" && part.transcript === null);
    return place < 0 ? null : this.messages.at(place - recent.length - 1)?.cursor ?? "";
  }

  heard(cursor, transcript) {
    this.messages = this.messages.map((message) => message.cursor === cursor
      ? { ...message, part: { ...message.part, transcript } } : message);
  }

  #insert(message) {
    const place = this.messages.findLastIndex((known) => compare(known.cursor, message.cursor) < 0) + 1;
    this.messages = [...this.messages.slice(0, place), message, ...this.messages.slice(place)];
  }

  #trim() {
    for (const old of this.messages.slice(0, -LIMIT)) if (old.local) URL.revokeObjectURL(old.local);
    this.messages = this.messages.slice(-LIMIT);
    this.trimmed = true;
  }
}
