// Staying in touch: what is new arrives once, in order, whatever the network does.
//
// A broken stream is first left to the browser, which resumes it with Last-Event-ID. If that fails we close it and begin
// again after a pause: catch up by GET, then a new stream. So a proxy that cuts every stream still yields a whole conversation.

const LONGEST_PAUSE_MS = 15_000;
const BROWSER_PATIENCE_MS = 8_000;
const STEADY_MS = 5_000;
const LOOK_MS = 10_000;
const DOZED_MS = 20_000;
const NAMES = ["message", "heard", "state"];

export class Live {
  #source = null;
  #timer = 0;
  #tries = 0;
  #openedAt = 0;
  #hiddenAt = 0;
  #stopped = false;

  // catchUp() reads everything until now and says whether there is a conversation to follow yet; url() is the stream from there on.
  constructor({ catchUp, url, hear, online, lost }) {
    Object.assign(this, { catchUp, url, hear, online, lost });
  }

  start() {
    addEventListener("online", () => this.again());
    addEventListener("offline", () => this.online(false));
    document.addEventListener("visibilitychange", () => this.#looked());
    return this.again();
  }

  stop() {
    this.#stopped = true;
    this.#rest();
  }

  get following() { return this.#source !== null; }

  async again() {
    this.#rest();
    if (this.#stopped) return;
    try {
      const begun = await this.catchUp();
      this.online(true);
      if (begun) this.#open();
      else this.#timer = setTimeout(() => this.again(), LOOK_MS);
    } catch (refusal) { this.#refused(refusal); }
  }

  #open() {
    this.#rest();
    const source = this.#source = new EventSource(this.url());
    source.onopen = () => this.#opened();
    source.onerror = () => this.#broken(source);
    for (const name of NAMES) source.addEventListener(name, (event) => this.hear(name, JSON.parse(event.data)));
  }

  #opened() {
    clearTimeout(this.#timer);
    this.#openedAt = Date.now();
    this.online(true);
  }

  #broken(source) {
    if (this.#stopped || source !== this.#source) return;
    this.online(false);
    const steady = this.#openedAt && Date.now() - this.#openedAt > STEADY_MS;
    if (steady) this.#tries = 0;
    const resuming = this.#openedAt && source.readyState === EventSource.CONNECTING;
    this.#openedAt = 0;
    if (resuming) this.#timer = setTimeout(() => this.again(), BROWSER_PATIENCE_MS);
    else this.#later();
  }

  #refused(refusal) {
    this.online(false);
    if (refusal.stranger) this.lost();
    else this.#later();
  }

  #later() {
    this.#rest();
    const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this.#tries++);
    this.#timer = setTimeout(() => this.again(), pause * (0.5 + Math.random() / 2));
  }

  // A phone in a pocket keeps a dead stream and says nothing: look again when it comes out.
  #looked() {
    if (document.hidden) this.#hiddenAt = Date.now();
    else if (Date.now() - this.#hiddenAt > DOZED_MS) this.again();
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#openedAt = 0;
  }
}
