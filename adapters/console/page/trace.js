// The journey of a business key, and what a message says.
import { facts, h, link, press, tag, to, wide, when } from './dom.js';
import { get, query } from './api.js';

const finding = f => h('div', null, h('mark', null, f.severity), ' ', f.message, f.hint ? h('span', { class: 'dim' }, ' ' + f.hint) : '');

// shown has what a text holds and nobody would see: control characters, and those that turn its direction.
const shown = text => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

// documentView shows a message: decoded with its findings in place, its raw bytes, its data.
export function documentView(m) {
  const decoded = m.decoded?.length ? wide(h('table', null, h('thead', null, h('tr', null, ['', 'Element', 'Name', 'Value'].map(x => h('th', { scope: 'col' }, x || h('span', { class: 'away' }, 'Segment'))))), h('tbody', null, m.decoded.map(s => [
    h('tr', { class: 'seg' + (s.findings?.length ? ' wrong' : '') }, h('th', { scope: 'row' }, `${s.ordinal} ${s.tag}`), h('td', { colspan: 3 }, (s.findings || []).map(finding))),
    s.elements.filter(e => e.value || e.findings).map(e => h('tr', { class: 'seg' + (e.findings?.length ? ' wrong' : '') }, h('td'), h('td', null, e.ref), h('td', null, e.name || ''), h('td', { class: 'wrap' }, e.findings?.length ? h('mark', null, e.value || '(empty)') : e.value, (e.findings || []).map(finding))))])))) : null;
  return [facts([['type', m.type], ['source', m.source], ['topic', m.topic], ['time', when(m.time)], ['headers', Object.entries(m.headers || {}).map(([k, v]) => k + '=' + v).join(', ')]]),
    m.sealed ? h('p', { class: 'dim' }, 'It has personal data, which is not shown.') : null,
    decoded ? h('details', { open: true }, h('summary', null, 'Decoded, with what is wrong in place'), decoded) : null,
    m.dump ? h('details', { open: true }, h('summary', null, 'Bytes, which are no text'), h('pre', null, m.dump)) : null,
    m.document ? h('details', { open: !decoded }, h('summary', null, 'Raw bytes'), h('pre', null, shown(m.document)), m.cut ? h('p', { class: 'dim' }, 'It is longer than is shown.') : null) : null,
    h('details', { open: !m.document }, h('summary', null, 'Data'), h('pre', null, JSON.stringify(m.data ?? null, null, 1)))];
}

function step(s) {
  const li = h('li', { class: s.kind });
  const more = h('div');
  const open = s.position ? press('Show', async b => {
    if (more.firstChild) { more.replaceChildren(); b.textContent = 'Show'; return; }
    more.append(...documentView(await get('/v1/messages/' + s.position)).flat(9).filter(Boolean));
    b.textContent = 'Hide';
  }) : null;
  li.append(when(s.at), ' ', h('b', null, s.kind === 'letter' ? 'letter ' + s.type : s.type), ' ');
  if (s.kind === 'letter') li.append(link(to('letter', s.letter), s.letter), h('span', { class: 'wrap' }, ' ' + s.text));
  li.append(h('span', { class: 'dim' }, ` ${s.route || ''}${s.topic ? ' → ' + s.topic : ''}${s.key ? ' · ' + s.key : ''} `));
  if (open) li.append(open);
  li.append(more);
  return li;
}

export async function trace({ rest, go }) {
  const key = rest.join('/');
  const find = h('input', { type: 'search', value: key, 'aria-label': 'Business key' });
  const form = h('form', { class: 'bar', onsubmit: e => { e.preventDefault(); if (find.value.trim()) go(to('trace', find.value.trim())); } }, h('label', { class: 'grow' }, 'Order, PO, ASN, wave, LPN, SSCC, tracking number, letter', find), h('button', { class: 'main' }, 'Follow'));
  if (!key) return { body: [h('h1', null, 'Journey'), form] };
  let t;
  try { t = await get('/v1/traces' + query({ key })); } catch (e) {
    if (e.status !== 404) throw e;
    return { body: [h('h1', null, 'Journey of ' + key), form, h('p', { role: 'status' }, 'Nothing is known by that number. Look for a typing error, or whether its document came at all: ', link('partners', 'partners'))] };
  }
  return {
    body: [h('h1', null, 'Journey of ' + key), form,
      h('h2', null, 'What is still awaited'), t.awaited.length ? h('ol', { class: 'line' }, t.awaited.map(a => h('li', { class: 'awaited' }, a.from ? h('b', null, a.from + ': ') : '', a.link?.startsWith('L') && a.from === 'the desk' ? link(to('letter', a.link), a.what) : a.what))) : h('p', null, 'Nothing: it is done.'),
      h('h2', null, 'As it stands'), h('p', null, t.things.map(x => [h('span', { class: 'tag' }, `${x.kind} ${x.id}${x.status ? ': ' + x.status : ''}`), x.kind === 'order' ? [' ', link('entry' + query({ owner: x.owner, number: x.id }), 'Copy ' + x.id)] : '', ' '])),
      h('h2', null, `From the door on: ${t.steps.length} steps`), h('ol', { class: 'line' }, t.steps.map(step)), t.more ? h('p', { class: 'dim' }, 'There is more than is shown.') : null],
  };
}
