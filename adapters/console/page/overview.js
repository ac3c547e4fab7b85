// How the hub does now.
import { h, link, num, table, tag, to, wide, ago } from './dom.js';
import { get } from './api.js';

const ended = ['shipped', 'cancelled', 'rejected', 'merged', 'short'];
const most = 500;

// orders counts those that are open against their cut-offs.
async function orders() {
  const l = await get('/v1/orders?limit=' + most);
  const now = Date.now(), soon = now + 4 * 3600e3, c = { open: 0, late: 0, soon: 0, shipped: 0, held: 0, more: !!l.next };
  for (const d of l.items) {
    if (d.status === 'shipped') c.shipped++;
    if (ended.includes(d.status)) continue;
    c.open++;
    if (d.status === 'held') c.held++;
    const by = d.state?.dates?.ship_by && new Date(d.state.dates.ship_by);
    if (by && by < now) c.late++;
    else if (by && by < soon) c.soon++;
  }
  return c;
}

const card = (href, n, text, kind) => h('a', { class: 'card', href: '#/' + href }, h('b', null, kind ? tag(String(n), kind) : String(n)), h('span', null, text));

export async function overview({ hub }) {
  const cards = h('div', { class: 'cards' }), routes = h('div'), o = await orders().catch(() => null);
  const pulse = p => {
    const open = p.groups.reduce((n, g) => n + g.open, 0), halt = p.routes.filter(r => r.state !== 'running');
    const broken = p.routes.filter(r => r.breaker && r.breaker !== 'closed');
    const plus = o?.more ? '+' : '';
    cards.replaceChildren(
      card('groups', open, `letters wait, of ${p.groups.length} causes`, open ? 'bad' : 'good'),
      card('map', halt.length, 'routes are paused', halt.length ? 'warn' : 'good'),
      card('map', broken.length, 'partners are not reached (breaker open)', broken.length ? 'bad' : 'good'),
      card('replays', p.replays.length, 'replays are under way'),
      ...(o ? [card('floor/orders', o.open + plus, 'orders are open'), card('floor/orders', o.late + plus, 'are past their cut-off', o.late ? 'bad' : 'good'),
        card('floor/orders', o.soon + plus, 'must leave within 4 hours', o.soon ? 'warn' : 'good'), card('floor/orders', o.held + plus, 'are held', o.held ? 'warn' : 'good')] : []));
    const rows = p.routes.filter(r => !r.door && (r.handled || r.lag || r.parked || r.state !== 'running')).sort((a, b) => b.letters - a.letters || b.parked - a.parked || b.handled - a.handled);
    routes.replaceChildren(table(['Route', 'State', { t: 'Per second', n: 1 }, { t: 'Lag', n: 1 }, { t: 'Waiting', n: 1 }, { t: 'Handled', n: 1 }, { t: 'Failed', n: 1 }],
      rows.map(r => h('tr', null, h('td', null, link('map?route=' + encodeURIComponent(r.name), r.name)),
        h('td', null, tag(r.state, r.state === 'running' ? 'good' : 'warn'), r.breaker && r.breaker !== 'closed' ? tag('breaker ' + r.breaker, 'bad') : ''),
        num((hub.rates.get(r.name) || 0).toFixed(1)), num(r.lag), num(r.parked), num(r.handled), num(r.handled ? (100 * r.letters / r.handled).toFixed(1) + ' %' : '0'))), 'No route has had anything to do yet.'));
  };
  return { pulse, body: [h('h1', null, 'How the hub does'), cards, h('h2', null, 'Routes that work'), routes] };
}
