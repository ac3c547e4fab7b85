// The hub's REST API. Where it asks for a key, the page asks its user and keeps it for this tab alone.
const kept = 'paklog-key';
let ask;
export const whoAsks = f => { ask = f; };

function head(more) {
  const key = sessionStorage.getItem(kept);
  return key ? { ...more, Authorization: 'Bearer ' + key } : { ...more };
}
export const signIn = key => sessionStorage.setItem(kept, key);
export const signedIn = () => !!sessionStorage.getItem(kept) || !!csrf;
export const signOut = () => { sessionStorage.removeItem(kept); csrf = undefined; };

// A session is a cookie that no script reads; what it sends with each write is told beside it.
let csrf;
async function token() {
  if (csrf === undefined && !sessionStorage.getItem(kept)) csrf = await fetch('/v1/session').then(r => r.ok ? r.json() : {}).then(s => s.csrf || '');
  return csrf ? { 'X-CSRF-Token': csrf } : {};
}
export async function enter(user, password) {
  const r = await fetch('/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ user, password }) });
  if (!r.ok) throw new Problem(r.status, await r.json().catch(() => ({})));
  csrf = (await r.json()).csrf;
}
export const leave = () => call('POST', '/v1/session/end').finally(signOut);

export class Problem extends Error {
  constructor(status, p) {
    super(p.detail || p.title || 'The hub answered ' + status);
    this.status = status;
    this.errors = p.errors;
    const more = (p.errors || []).map(e => (e.place ? e.place + ': ' : '') + e.message).filter(m => !this.message.includes(m));
    if (more.length) this.message += ' (' + more.join('; ') + ')';
  }
}

async function call(method, path, body, more) {
  if (method !== 'GET') more = { ...more, ...await token() };
  const r = await fetch(path, { method, headers: head(body === undefined ? more : { 'Content-Type': 'application/json', ...more }), body: body === undefined ? undefined : JSON.stringify(body) })
    .catch(() => { throw new Error('The hub does not answer.'); });
  if (r.status === 401) {
    await ask();
    if (more) delete more['X-CSRF-Token'];
    return call(method, path, body, more);
  }
  if (!r.ok) throw new Problem(r.status, await r.json().catch(() => ({})));
  return r.status === 204 ? null : r.json();
}
export const get = path => call('GET', path);
export const put = (path, body) => call('PUT', path, body);
export const post = (path, body, more) => call('POST', path, body, more);
export async function file(path) {
  const r = await fetch(path, { headers: head() });
  if (!r.ok) throw new Problem(r.status, await r.json().catch(() => ({})));
  return r.blob();
}
export const query = o => {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(o)) if (v !== undefined && v !== null && v !== '') q.set(k, v);
  return q.size ? '?' + q : '';
};

// seen ends when somebody looks at the page. A page that nobody sees gives its connection back: a
// browser has few for one host, and would let other tabs wait.
const seen = () => document.hidden ? new Promise(done => document.addEventListener('visibilitychange', done, { once: true })).then(seen) : null;

// live calls take with each pulse, and state with whether the hub is heard; it comes back by itself.
export async function live(take, state) {
  let end;
  const leave = () => end?.abort();
  addEventListener('pagehide', leave);
  document.addEventListener('visibilitychange', () => document.hidden && leave());
  for (;;) {
    await seen();
    end = new AbortController();
    try {
      const r = await fetch('/v1/live', { headers: head({ Accept: 'text/event-stream' }), signal: end.signal });
      if (r.status === 401) { await ask(); continue; }
      if (!r.ok) throw new Error();
      state(true);
      const reader = r.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        rest += value;
        for (let i = rest.indexOf('\n\n'); i >= 0; i = rest.indexOf('\n\n')) {
          const data = rest.slice(0, i).split('\n').filter(l => l.startsWith('data: ')).map(l => l.slice(6)).join('\n');
          rest = rest.slice(i + 2);
          if (data) take(JSON.parse(data));
        }
      }
    } catch { /* it is asked again */ }
    if (document.hidden) continue;
    state(false);
    await new Promise(done => setTimeout(done, 2000));
  }
}
