// Sound and vibration: people look at the goods, not at the phone. Both can be switched off.

let context = null;

// Browsers let a page sound only after somebody has touched it.
// Later, not at once: it takes long, and a scanner's next key is on its way.
export function wake() {
  if (context?.state === "running") return;
  setTimeout(() => {
    context ??= window.AudioContext ? new AudioContext() : null;
    if (context?.state === "suspended") context.resume();
  });
}

function tone(at, frequency, length, shape) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = shape;
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(0.35, at + 0.012);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + length);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + length + 0.02);
}

const SOUNDS = {
  good: [[0, 1175, 0.1, "sine"]],
  done: [[0, 880, 0.1, "sine"], [0.11, 1320, 0.16, "sine"]],
  look: [[0, 587, 0.14, "triangle"], [0.18, 587, 0.14, "triangle"]],
  bad: [[0, 220, 0.22, "square"], [0.26, 165, 0.32, "square"]],
};
const SHAKES = { good: 35, done: [35, 50, 35], look: [80, 60, 80], bad: [220, 80, 220] };

// ``kind``: good, done (a task is complete), look (taken, but look at it), bad (not taken).
export function signal(kind, { sound = true, vibration = true } = {}) {
  if (sound && context?.state === "running") {
    for (const [after, ...rest] of SOUNDS[kind]) tone(context.currentTime + 0.01 + after, ...rest);
  }
  if (vibration && navigator.vibrate) navigator.vibrate(SHAKES[kind]);
  document.documentElement.dataset.signalled = kind;
}
