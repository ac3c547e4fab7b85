// Scans leave in their order, and stay until the hub has answered: what is sent twice is taken
// once, for the hub knows their numbers.
import * as db from './db.js';
import { key } from './codes.js';

export const state = { online: true, waiting: 0, refused: 0, problem: '' };
const listeners = [];
export const onChange = f => listeners.push(f);

export async function tell(answers = []) {
  state.waiting = await db.howMany();
  state.refused = (await db.refused()).length;
  for (const f of listeners) f(state, answers);
}

export async function call(method, path, body) {
  const token = await db.get('token');
  const headers = { 'Accept': 'application/json' };
  if (token) headers['Authorization'] = 'Bearer ' + token;
  if (body) headers['Content-Type'] = 'application/json';
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 15000);
  try {
    const r = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: stop.signal, cache: 'no-store' });
    const text = await r.text();
    let data = {};
    try { data = JSON.parse(text); } catch { /* an answer of something else on the way */ }
    if (!r.ok) throw Object.assign(new Error(data.detail || data.title || `the hub answers ${r.status}`), { status: r.status, data });
    state.online = true;
    state.problem = '';
    return data;
  } catch (e) {
    if (!e.status) state.online = false;
    throw e;
  } finally {
    clearTimeout(timer);
  }
}

export async function scan(s, alongside) {
  const seq = await db.add(s, alongside);
  await tell();
  send();
  return seq;
}

// learn keeps which goods the hub did not take without their serial numbers.
async function learn(list, answers) {
  const bad = new Set(answers.filter(a => a.result === 'refused' && /^serials/.test(a.where || '')).map(a => a.seq));
  const of = list.filter(s => s.do === 'receive' && bad.has(s.seq)).map(s => key(s.code));
  if (of.length) await db.put('serialled', [...new Set([...((await db.get('serialled')) || []), ...of])].slice(-500));
}

// drained waits a moment until all was sent, and reports whether it was.
export async function drained() {
  for (let i = 0; i < 20 && await db.howMany() > 0; i++) {
    await send();
    if (!state.online) break;
    await new Promise(r => setTimeout(r, 100));
  }
  return await db.howMany() === 0;
}

let again = 0, wait = 1000, asked = false;

// send empties the queue; one tab at a time, and one more look for whoever asks meanwhile.
export async function send() {
  if (asked) return;
  asked = true;
  await navigator.locks.request('send', async () => {
    asked = false;
    clearTimeout(again);
    try {
      for (let list = await db.waiting(50); list.length > 0; list = await db.waiting(50)) {
        const got = await call('POST', '/v1/scans', { sent_at: new Date().toISOString(), scans: list });
        await learn(list, got.answers);
        await db.settle(got.answers);
        await tell(got.answers);
      }
      wait = 1000;
    } catch (e) {
      if (e.status) state.problem = e.message;
      wait = Math.min(wait * 2, 30000);
      again = setTimeout(send, wait);
    }
    await tell();
  });
}

addEventListener('online', () => { wait = 1000; send(); });
addEventListener('offline', () => { state.online = false; tell(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden) send(); });
