// Elements are made of data by these functions alone: a text is a text, whatever stands in it.
export function h(tag, props, ...children) { return fill(document.createElement(tag), props, children); }
export function svg(tag, props, ...children) { return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), props, children); }

function fill(e, props, children) {
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k === 'value') e.value = v;
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat(9).filter(c => c !== undefined && c !== null && c !== false && c !== ''));
  return e;
}

export const link = (to, text, props) => h('a', { href: '#/' + to, ...props }, text);
export const to = (...parts) => parts.map(encodeURIComponent).join('/');
export const tag = (text, kind) => h('span', { class: 'tag ' + (kind ?? text) }, text);
export const wide = table => h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'table' }, table);
export const table = (heads, rows, none) => rows.length
  ? wide(h('table', null, h('thead', null, h('tr', null, heads.map(x => h('th', { scope: 'col', class: x.n && 'n' }, x.t ?? x)))), h('tbody', null, rows)))
  : h('p', { class: 'dim' }, none || 'Nothing.');
export const num = n => h('td', { class: 'n' }, String(n));
export const facts = pairs => h('dl', null, pairs.filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => [h('dt', null, k), h('dd', null, v)]));

const two = n => String(n).padStart(2, '0');
// when is a time of this browser's zone, short where it is of today.
export function when(at) {
  if (!at) return '';
  const d = new Date(at), day = d.toDateString() === new Date().toDateString();
  const text = (day ? '' : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} `) + `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return h('time', { datetime: d.toISOString(), title: d.toISOString() }, text);
}
export function ago(at) {
  const s = Math.max(0, (Date.now() - new Date(at)) / 1000);
  return s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
}

// spark is a row of bars with its numbers as text beside it for those who do not see it.
export function spark(values, name) {
  const top = Math.max(1, ...values);
  return svg('svg', { class: 'spark', viewBox: `0 0 ${values.length * 4} 20`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${name}: ${values.join(', ')}` },
    values.map((v, i) => svg('rect', { x: i * 4, y: 20 - (18 * v) / top - (v ? 2 : 0), width: 3, height: (18 * v) / top + (v ? 2 : 0) })));
}

let gone;
export function toast(text) {
  const t = document.getElementById('toast');
  t.textContent = text;
  clearTimeout(gone);
  gone = setTimeout(() => { t.textContent = ''; }, 8000);
}

// press is a button that acts once and says what went wrong.
export function press(text, act, kind) {
  const b = h('button', { type: 'button', class: kind }, text);
  b.addEventListener('click', async () => {
    b.disabled = true;
    try { await act(b); } catch (e) { toast(e.message); } finally { b.disabled = false; }
  });
  return b;
}

export const field = (name, input, grow) => h('label', { class: grow && 'grow' }, name, input);
export const choice = (name, values, chosen) => h('select', { name }, values.map(([v, t]) => h('option', { value: v, selected: v === chosen }, t)));
