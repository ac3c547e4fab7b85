// Partners, and the floor: orders, stock, waves, tasks.
import { field, h, link, num, table, tag, to, when } from './dom.js';
import { get, query } from './api.js';

export async function partners({ q, hub }) {
  const [sent, written, waiting] = await Promise.all([get('/v1/edi/documents?status=sent&limit=200'), get('/v1/edi/documents?status=rejected&limit=100'), get('/v1/edi/waiting').catch(() => [])]);
  const rows = l => l.items.map(d => h('tr', null, h('td', null, d.owner || ''), h('td', { class: 'wrap' }, link(to('trace', d.id), d.id)), h('td', null, tag(d.status, d.status === 'rejected' ? 'bad' : 'warn')), h('td', null, when(d.updated))));
  const lines = h('div');
  return {
    body: [h('h1', null, 'Partners'), h('h2', null, 'Connections'), lines, h('h2', null, 'Sent, and not acknowledged yet'), table(['Partner', 'Document', 'Status', 'Since'], rows(sent), 'Every document is acknowledged.'),
      h('h2', null, 'Rejected by the partner'), table(['Partner', 'Document', 'Status', 'Since'], rows(written), 'None.'),
      waiting.length ? [h('h2', null, 'Waits to leave together'), table(['Partner', { t: 'Documents', n: 1 }], waiting.map(w => h('tr', null, h('td', null, w.partner || ''), num(w.documents ?? ''))))] : null],
    pulse: p => lines.replaceChildren(table(['Connection', 'Breaker', 'Routes', { t: 'Waiting', n: 1 }, 'State'], [...Map.groupBy(p.routes.filter(r => r.connection), r => r.connection)].map(([conn, list]) => h('tr', null, h('td', null, conn), h('td', null, tag(list[0].breaker || 'closed', list[0].breaker && list[0].breaker !== 'closed' ? 'bad' : 'good')),
      h('td', null, list.map((r, i) => [i ? ', ' : '', link('map?route=' + encodeURIComponent(r.name), r.name)])), num(list.reduce((n, r) => n + r.parked + r.lag, 0)), h('td', null, list.filter(r => r.state !== 'running').map(r => tag(r.state, 'warn'))))), 'No partner is connected.')),
  };
}

const lists = { orders: ['Orders', '/v1/orders'], stock: ['Stock', '/v1/stock'], waves: ['Waves', '/v1/waves'], tasks: ['Tasks', '/v1/tasks'] };
const shelves = s => (s?.shelves || []).slice(0, 6).map(x => `${x.location || x.place?.location || ''} ${x.on_hand ?? x.qty ?? ''}`.trim()).filter(Boolean).join(', ');
const says = { orders: s => (s?.dates?.ship_by ? ['ship by ', when(s.dates.ship_by)] : ''), stock: s => [`free ${s?.free ?? '?'}`, shelves(s) ? ' · ' + shelves(s) : ''], waves: s => `${(s?.orders || []).length} orders`, tasks: s => [s?.worker ? s.worker + ' ' : '', s?.order || s?.wave || ''] };

export async function floor({ rest, q, go }) {
  const kind = lists[rest[0]] ? rest[0] : 'orders', [name, path] = lists[kind];
  const status = h('input', { value: q.status || '', size: 14 });
  const l = await get(path + query({ limit: 100, status: q.status, cursor: q.cursor }));
  return { body: [h('h1', null, name), h('p', null, Object.keys(lists).map(k => [link('floor/' + k, lists[k][0], { class: 'button', 'aria-current': k === kind ? 'page' : undefined }), ' '])),
    kind === 'stock' ? null : h('form', { class: 'bar', onsubmit: e => { e.preventDefault(); go('floor/' + kind + query({ status: status.value.trim() })); } }, field('Status', status), h('button', null, 'Show')),
    kind === 'orders' ? h('p', null, link('entry', 'New order', { class: 'button' })) : null,
    table(['', 'Owner', 'Status', 'About', 'Changed'].map((x, i) => (i ? x : name.replace(/s$/, ''))), l.items.map(d => h('tr', null, h('td', null, link(to('trace', d.id), d.id)), h('td', null, d.owner || ''), h('td', null, d.status ? tag(d.status, '') : ''), h('td', { class: 'wrap' }, says[kind](d.state)), h('td', null, when(d.updated)))), 'None.'),
    l.next ? link('floor/' + kind + query({ status: q.status, cursor: l.next }), 'More', { class: 'button' }) : null] };
}
