// Which page is shown, and what all of them share. Every view has a URL of its own.
import { h, link, toast } from './dom.js';
import { enter, get, leave, live, signIn, signOut, signedIn, whoAsks } from './api.js';
import { overview } from './overview.js';
import { map } from './map.js';
import { groups, group, letters, letter } from './letters.js';
import { trace } from './trace.js';
import { replays, replay } from './replays.js';
import { edits } from './edit.js';
import { partners, floor } from './floor.js';
import { entry } from './entry.js';

const pages = { '': overview, map, groups, group, letters, letter, trace, replays, replay, edits, partners, floor, entry };
const menu = [['', 'Overview', 'o'], ['map', 'Routes', 'r'], ['groups', 'Failures', 'f'], ['letters', 'Letters', 'l'], ['trace', 'Journey', 'j'], ['replays', 'Replays', 'p'], ['partners', 'Partners', 'n'], ['floor', 'Floor', 'w'], ['entry', 'New order', 'e']];
const main = document.getElementById('main'), nav = document.getElementById('nav'), state = document.getElementById('live');
const titles = { group: 'Failures', letter: 'Letter', replay: 'Replay', edits: 'Edits' };
const above = { group: 'groups', letter: 'letters', replay: 'replays', edits: 'letters' };

// hub is the last pulse, and the one before for rates.
export const hub = { pulse: null, rates: new Map() };
let shown = null, turn = 0;

function place() {
  const [path, q] = location.hash.replace(/^#\/?/, '').split('?');
  const [page, ...rest] = path.split('/').map(decodeURIComponent);
  return { page, rest, q: Object.fromEntries(new URLSearchParams(q)) };
}

async function show() {
  const mine = ++turn, { page, rest, q } = place(), make = pages[page] || overview;
  const here = above[page] || page;
  nav.replaceChildren(...menu.map(([to, name, key]) => link(to, name, { 'aria-current': to === here ? 'page' : undefined, 'aria-keyshortcuts': 'g ' + key })));
  document.title = (titles[page] || menu.find(m => m[0] === here)?.[1] || 'Console') + ' · PakLog';
  shown = null;
  let view;
  try {
    view = await make({ rest, q, hub, again: show, go });
  } catch (e) {
    view = { body: [h('h1', null, 'That did not work'), h('p', { role: 'alert' }, e.message), h('button', { type: 'button', onclick: show }, 'Try again')] };
  }
  if (mine !== turn) return; // somebody went on meanwhile
  main.replaceChildren(...[view.body].flat(9).filter(Boolean));
  shown = view;
  if (hub.pulse && view.pulse) view.pulse(hub.pulse);
}

export const go = to => { if (location.hash === '#/' + to) show(); else location.hash = '/' + to; };
addEventListener('hashchange', () => { show().then(() => { main.focus(); scrollTo(0, 0); }); });

document.getElementById('find').addEventListener('submit', e => {
  e.preventDefault();
  const key = document.getElementById('key').value.trim();
  if (key) go('trace/' + encodeURIComponent(key));
});

// g and a letter goes to a page, / to the search.
let before = '';
addEventListener('keydown', e => {
  if (e.target.closest('input,textarea,select') || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === '/') { e.preventDefault(); document.getElementById('key').focus(); }
  const to = before === 'g' && menu.find(m => m[2] === e.key);
  before = e.key;
  if (to) go(to[0]);
});

// The key is asked for once, however many wait for it.
let asking;
whoAsks(() => asking ||= new Promise(done => {
  signOut();
  const key = h('input', { type: 'password', id: 'apikey', autocomplete: 'off', required: true });
  const user = h('input', { id: 'user', autocomplete: 'username', required: true }), password = h('input', { type: 'password', id: 'password', autocomplete: 'current-password', required: true }), said = h('p', { role: 'alert' });
  const person = h('form', { onsubmit: e => { e.preventDefault(); enter(user.value, password.value).then(() => d.close(), x => { said.textContent = x.message; password.value = ''; }); } }, h('h1', { id: 'asks' }, 'Sign in'),
    h('div', { class: 'bar' }, h('label', { class: 'grow', for: 'user' }, 'Name', user), h('label', { class: 'grow', for: 'password' }, 'Password', password), h('button', { class: 'main' }, 'Sign in')), said);
  const form = h('form', { onsubmit: e => { e.preventDefault(); signIn(key.value.trim()); d.close(); } }, h('p', null, 'Or by an API key, which is kept for this tab alone.'),
    h('div', { class: 'bar' }, h('label', { class: 'grow', for: 'apikey' }, 'API key', key), h('button', null, 'Use the key')));
  const d = h('dialog', { 'aria-labelledby': 'asks' }, person, form);
  d.addEventListener('close', () => { d.remove(); asking = null; if (!signedIn()) toast('Nothing is shown to who has not signed in.'); who(); done(); });
  document.body.append(d);
  d.showModal();
}));

// who says who is signed in, where somebody has to be, and lets him go.
const out = h('button', { type: 'button', hidden: true, onclick: () => leave().catch(() => {}).then(() => { main.replaceChildren(); dispatchEvent(new Event('pagehide')); show(); }) }, 'Sign out');
document.querySelector('header').append(out);
function who() {
  get('/v1/session').then(s => { out.hidden = !signedIn() && !s.csrf; out.textContent = 'Sign out ' + s.client; }).catch(() => {});
}
who();

live(p => {
  const last = hub.pulse;
  for (const r of p.routes) {
    const old = last?.routes.find(x => x.name === r.name);
    const seconds = last ? (new Date(p.at) - new Date(last.at)) / 1000 : 0;
    hub.rates.set(r.name, old && seconds > 0 ? Math.max(0, (r.handled - old.handled) / seconds) : 0);
  }
  hub.pulse = p;
  shown?.pulse?.(p);
}, heard => {
  state.textContent = heard ? 'live' : 'the hub is not heard';
  state.className = heard ? '' : 'off';
});
show();
