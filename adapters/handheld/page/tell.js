// Right and wrong are seen, heard and felt.
let audio;

function tone(hz, ms, from = 0) {
  audio ||= new AudioContext();
  const o = audio.createOscillator(), g = audio.createGain();
  const t = audio.currentTime + from / 1000;
  o.frequency.value = hz;
  o.type = 'square';
  g.gain.setValueAtTime(0.15, t);
  g.gain.setValueAtTime(0, t + ms / 1000);
  o.connect(g).connect(audio.destination);
  o.start(t);
  o.stop(t + ms / 1000);
}

let off;
function colour(name) {
  clearTimeout(off);
  document.body.className = name;
  off = setTimeout(() => { document.body.className = ''; }, name === 'bad' ? 1200 : 350);
}

export function right() {
  colour('ok');
  navigator.vibrate?.(40);
  try { tone(1200, 70); } catch { /* no sound before the first touch */ }
}

export function wrong() {
  colour('bad');
  navigator.vibrate?.([180, 80, 180]);
  try { tone(220, 220); tone(180, 320, 260); } catch { /* no sound before the first touch */ }
}
