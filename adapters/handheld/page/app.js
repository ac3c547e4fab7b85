import * as db from './db.js';
import * as queue from './queue.js';
import { right, wrong } from './tell.js';
import { esc } from './screen.js';
import { menu } from './steps.js';
import { refresh } from './work.js';

const $ = id => document.getElementById(id);
let now, problem = '';

// go shows the next screen. What a screen answers by throwing is told, and it stays.
async function go(make) {
  now = await make(go);
  problem = '';
  draw();
}

function draw() {
  $('title').textContent = now.title || 'PakLog';
  $('back').hidden = !!now.top;
  $('main').innerHTML = (problem ? `<div class="wrong" role="alert">${esc(problem)}</div>` : '') + (now.say ? `<div class="say">${esc(now.say)}</div>` : '') + (now.html || '');
  const buttons = [...(now.buttons || []).map(b => ['', ...b]), ...(now.go ? [['go', ...now.go]] : [])];
  $('actions').replaceChildren(...buttons.map(([kind, text, act]) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.className = kind;
    b.textContent = text;
    b.onclick = () => on(act);
    return b;
  }));
  $('code').focus({ preventScroll: true });
}

let last = Promise.resolve();

// attempt does what was scanned or pressed, one after the other: a scanner is faster than a screen.
const attempt = act => (last = last.then(async () => {
  try {
    await act();
    right();
  } catch (e) {
    problem = e.message;
    wrong();
    draw();
  }
}));

// on does what was pressed on this screen, if it is still there then.
function on(act) {
  const screen = now;
  attempt(() => screen === now && act());
}

$('main').onclick = e => {
  const row = e.target.closest('[data-row]'), add = e.target.closest('[data-add]');
  if (row) on(() => now.pick(+row.dataset.row));
  else if (add) {
    $('qty').textContent = now.add(+add.dataset.add);
    if (now.go) draw();
    $('qty').textContent = now.add(0);
  }
};

$('wedge').onsubmit = e => {
  e.preventDefault();
  const code = $('code').value.trim();
  $('code').value = '';
  if (code) attempt(async () => { const was = now; await now.take(code); if (was === now) { if ($('qty') && now.add) $('qty').textContent = now.add(0); } });
  else if (now.go) on(now.go[1]);
};

// A scanner types wherever the focus is not: it belongs into the field.
document.addEventListener('keydown', e => {
  if (e.target === document.body || e.target.tagName === 'BUTTON' && e.key.length === 1 && e.key !== ' ') $('code').focus();
});

$('back').onclick = () => attempt(() => go(menu));
$('state').onclick = () => attempt(() => go(standing));

queue.onChange((s, answers) => {
  const b = $('state');
  b.className = s.refused || s.problem ? 'err' : s.online ? '' : 'off';
  b.textContent = s.refused ? `${s.refused} refused` : s.problem ? 'trouble' : s.waiting ? `${s.online ? 'sending' : 'off line'} ${s.waiting}` : s.online ? 'on line' : 'off line';
  const bad = answers.find(a => a.result === 'refused' || a.result === 'invalid');
  if (bad) {
    problem = `Scan ${bad.seq} was refused: ${bad.why}`;
    wrong();
    if (now) draw();
  }
});

// standing shows what is not sent and what was refused, until somebody has seen it.
async function standing() {
  const refused = await db.refused(), waiting = await db.waiting(20);
  return {
    title: 'Scans', say: refused.length ? 'Refused by the hub' : waiting.length ? 'Not sent yet' : 'All is sent',
    html: (queue.state.problem ? `<div class="wrong">${esc(queue.state.problem)}</div>` : '') +
      refused.map(r => `<div class="card"><div class="wrong">${esc(r.why)}</div><div class="dim">${r.seq}: ${esc(r.do)} ${esc(r.code || '')} ${esc(r.place || '')} ${esc(r.task || '')}, ${new Date(r.at).toLocaleTimeString()}</div></div>`).join('') +
      waiting.map(r => `<div class="card dim">${r.seq}: ${esc(r.do)} ${esc(r.code || '')} ${esc(r.place || '')} ${esc(r.task || '')}</div>`).join(''),
    take: () => go(menu),
    go: refused.length ? ['Seen', async () => { for (const r of refused) await db.seen(r.seq); await queue.tell(); await refresh(); return go(menu); }] : ['Go on', () => go(menu)],
  };
}

const enrol = () => ({
  title: 'Enrol', top: true, say: 'Type or scan the code',
  html: '<div class="dim">paklog device enrol NAME prints it. It is good once.</div>' + (isSecureContext ? '' : '<div class="wrong">This page came over plain http: open it over https, else it does not work off line.</div>'),
  take: async code => {
    const got = await queue.call('POST', '/v1/devices/enrol', { code: code.replace(/^.*#/, '') });
    await db.enrolled(got.device, got.token);
    history.replaceState(null, '', '/scan/');
    return go(name);
  },
});

const name = async () => ({
  title: await db.get('device'), top: true, say: 'Scan your badge, or type your name', html: '',
  take: async code => { await db.put('worker', code); return start(); },
});

async function start() {
  await queue.tell();
  const code = decodeURIComponent(location.hash.slice(1));
  if (code) {
    await go(enrol);
    return attempt(() => now.take(code));
  }
  if (!(await db.get('token'))) return go(enrol);
  if (!(await db.get('worker'))) return go(name);
  queue.send();
  try {
    await refresh();
  } catch (e) {
    if (e.status === 401) return go(enrol);
  }
  return go(menu);
}

navigator.storage?.persist?.();
if ('serviceWorker' in navigator) navigator.serviceWorker.register('/scan/sw.js', { scope: '/scan/' });
start();
