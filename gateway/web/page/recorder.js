// The microphone: one recording at a time, its loudness while it runs, and an honest reason when it cannot.

const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
const BITS_PER_SECOND = 32_000;
const STEP_MS = 80;
const SAMPLES = 64;
export const LONGEST_S = 600;
const SHORTEST_S = 0.6;

// `reason` is a key of WORDS.
export class MicrophoneError extends Error {
  constructor(reason) { super(reason); this.reason = reason; }
}

export class Recording {
  levels = [];
  full = false;
  #chunks = [];
  #ended;
  #timer;
  #sound;

  // Resolves when the microphone is open; raises MicrophoneError. tick(seconds, levels) is called while it runs.
  static async begin(tick) {
    if (!window.isSecureContext) throw new MicrophoneError("mic_insecure");
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) throw new MicrophoneError("mic_unsupported");
    return new Recording(await open(), tick);
  }

  constructor(stream, tick) {
    this.stream = stream;
    this.tick = tick;
    this.recorder = new MediaRecorder(stream, options());
    this.recorder.ondataavailable = ({ data }) => data.size && this.#chunks.push(data);
    this.#ended = new Promise((resolve) => { this.recorder.onstop = resolve; });
    this.recorder.start(1000);
    this.began = performance.now();
    this.#listen();
  }

  // -> {audio, seconds, waveform}; raises MicrophoneError when there is nothing worth sending.
  async finish(limit = Infinity) {
    this.#stop();
    await this.#ended;
    const audio = new Blob(this.#chunks, { type: this.recorder.mimeType || this.#chunks[0]?.type });
    if (!audio.size || this.seconds < SHORTEST_S) throw new MicrophoneError("mic_short");
    if (audio.size > limit) throw new MicrophoneError("mic_large");
    return { audio, seconds: this.seconds, waveform: shrink(this.levels) };
  }

  cancel() {
    this.#stop();
    this.#chunks = [];
  }

  #listen() {
    this.#sound = new AudioContext();
    const ear = this.#sound.createAnalyser();
    this.#sound.createMediaStreamSource(this.stream).connect(ear);
    const wave = new Uint8Array(ear.fftSize);
    this.#timer = setInterval(() => this.#measure(ear, wave), STEP_MS);
  }

  #measure(ear, wave) {
    ear.getByteTimeDomainData(wave);
    const power = wave.reduce((sum, value) => sum + (value - 128) ** 2, 0) / wave.length;
    this.levels.push(Math.min(100, Math.round(Math.sqrt(power) * 3)));
    this.seconds = (performance.now() - this.began) / 1000;
    this.full = this.seconds >= LONGEST_S;
    if (this.full) this.#stop();
    this.tick(this.seconds, this.levels);
  }

  #stop() {
    if (this.recorder.state === "inactive") return;
    this.seconds = (performance.now() - this.began) / 1000;
    this.recorder.stop();
    clearInterval(this.#timer);
    this.#sound.close();
    for (const track of this.stream.getTracks()) track.stop();
  }
}

const open = () => navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } })
  .catch((error) => { throw new MicrophoneError(REASONS[error.name] ?? "mic_failed"); });

const REASONS = { NotAllowedError: "mic_denied", SecurityError: "mic_denied", NotFoundError: "mic_missing",
  OverconstrainedError: "mic_missing", NotReadableError: "mic_busy", AbortError: "mic_busy" };

const options = () => ({ mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)), audioBitsPerSecond: BITS_PER_SECOND });

// Any number of levels to SAMPLES peaks, the loudest being 100.
export function shrink(levels) {
  const loudest = Math.max(...levels, 1);
  return Array.from({ length: SAMPLES }, (_, place) => {
    const from = Math.floor(place * levels.length / SAMPLES);
    const peak = Math.max(0, ...levels.slice(from, Math.max(from + 1, Math.ceil((place + 1) * levels.length / SAMPLES))));
    return Math.round(100 * peak / loudest);
  });
}
