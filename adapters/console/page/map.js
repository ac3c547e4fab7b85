// The map of routes, drawn from what runs: doors left, then each route right of the topics it reads.
import { choice, facts, field, h, link, press, svg, tag, toast, to } from './dom.js';
import { post } from './api.js';

const W = 178, H = 40, GAPX = 56, GAPY = 12;

// layers places routes and topics in columns, each behind all that it comes from. Where messages
// go round, the way back is drawn and does not count.
function layers(routes) {
  const next = new Map(), add = (a, b) => { if (!next.has(a)) next.set(a, []); if (!next.has(b)) next.set(b, []); next.get(a).push(b); };
  for (const r of routes) {
    if (!next.has('r:' + r.name)) next.set('r:' + r.name, []);
    for (const t of r.topics || []) add('t:' + t, 'r:' + r.name);
    for (const t of r.writes || []) add('r:' + r.name, 't:' + t);
  }
  const seen = new Set(), open = new Set(), order = [], back = new Set();
  const visit = k => {
    seen.add(k);
    open.add(k);
    for (const n of next.get(k)) {
      if (open.has(n)) back.add(k + '\n' + n);
      else if (!seen.has(n)) visit(n);
    }
    open.delete(k);
    order.unshift(k);
  };
  const first = [...routes].sort((a, b) => !!b.door - !!a.door || (a.name < b.name ? -1 : 1)).map(r => 'r:' + r.name);
  for (const k of [...first, ...next.keys()]) if (!seen.has(k)) visit(k);
  const at = new Map(order.map(k => [k, 0]));
  for (const k of order) for (const n of next.get(k)) if (!back.has(k + '\n' + n)) at.set(n, Math.max(at.get(n), at.get(k) + 1));
  return at;
}

const short = s => (s.length > 24 ? s.slice(0, 23) + '…' : s);

export async function map({ q, hub, go }) {
  const find = h('input', { type: 'search', value: q.find || '' }), only = choice('only', [['', 'had something to do'], ['halt', 'wait, stand or fail'], ['all', 'there are']], q.only || '');
  const drawing = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'map of routes' }), detail = h('section', { 'aria-live': 'polite' });
  let chosen = q.route || '', drawn = '';

  function draw(p) {
    const word = find.value.toLowerCase();
    const routes = p.routes.filter(r => (!word || [r.name, r.about, r.connection, ...(r.topics || []), ...(r.writes || [])].some(x => (x || '').toLowerCase().includes(word)))
      && (only.value === 'all' || r.name === chosen || r.state !== 'running' || r.parked || (r.breaker && r.breaker !== 'closed') || (only.value === '' ? r.handled : r.lag)));
    const at = layers(routes), columns = [];
    for (const [k, x] of at) (columns[x] ||= []).push(k);
    const place = new Map();
    columns.filter(Boolean).forEach((list, x) => list.sort().forEach((k, y) => place.set(k, [x * (W + GAPX) + 8, y * (H + GAPY) + 8])));
    const width = (Math.max(0, ...[...place.values()].map(v => v[0])) + W + 16), height = Math.max(60, ...[...place.values()].map(v => v[1] + H + 16));
    const edges = [], nodes = [];
    const edge = (a, b, lit) => {
      const f = place.get(a), t = place.get(b);
      if (f && t) edges.push(svg('path', { class: 'edge' + (lit ? ' lit' : ''), d: `M${f[0] + W} ${f[1] + H / 2}C${f[0] + W + 30} ${f[1] + H / 2} ${t[0] - 30} ${t[1] + H / 2} ${t[0]} ${t[1] + H / 2}` }));
    };
    for (const r of routes) {
      const lit = r.name === chosen, [x, y] = place.get('r:' + r.name), rate = hub.rates.get(r.name) || 0;
      for (const t of r.topics || []) edge('t:' + t, 'r:' + r.name, lit);
      for (const t of r.writes || []) edge('r:' + r.name, 't:' + t, lit);
      const halt = r.state !== 'running', bad = r.breaker && r.breaker !== 'closed';
      const says = `${r.handled} handled${rate ? ', ' + rate.toFixed(1) + '/s' : ''}${r.lag ? ', lag ' + r.lag : ''}${r.parked ? ', ' + r.parked + ' wait' : ''}${bad ? ', breaker ' + r.breaker : ''}`;
      nodes.push(svg('a', { href: '#/map?route=' + encodeURIComponent(r.name), class: 'node' + (bad || r.parked ? ' bad' : halt ? ' halt' : rate ? ' busy' : '') + (lit ? ' lit' : '') },
      svg('title', null, r.about || r.name), svg('rect', { x, y, width: W, height: H, rx: 8 }), svg('text', { x: x + 8, y: y + 16 }, (halt ? '❚❚ ' : bad ? '⚠ ' : '') + short(r.name)), svg('text', { class: 'sub', x: x + 8, y: y + 32 }, short(says))));
    }
    for (const [k, [x, y]] of place) if (k.startsWith('t:')) nodes.push(svg('g', { class: 'topic' }, svg('title', null, k.slice(2)), svg('rect', { x, y: y + 6, width: W, height: H - 12, rx: 3 }), svg('text', { x: x + 8, y: y + 25 }, short(k.slice(2)))));
    const focused = document.activeElement?.getAttribute?.('href');
    drawing.replaceChildren(svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': `${routes.length} routes and the topics between them` }, edges, nodes));
    if (focused) [...drawing.querySelectorAll('a')].find(a => a.getAttribute('href') === focused)?.focus({ preventScroll: true });
  }

  function tell(p) {
    const r = p.routes.find(x => x.name === chosen);
    if (!r) { detail.replaceChildren(h('p', { class: 'dim' }, 'Choose a route to see it and to pause it.')); return; }
    const halt = r.state !== 'running', verb = halt ? 'resume' : 'pause';
    detail.replaceChildren(h('h2', null, r.name, ' ', tag(r.state, halt ? 'warn' : 'good')), h('p', null, r.about || ''),
      facts([['reads', (r.topics || []).join(', ')], ['writes', (r.writes || []).join(', ')], ['patterns', (r.patterns || []).join(', ')], ['connection', r.connection], ['breaker', r.breaker],
        ['lag', String(r.lag)], ['waiting', String(r.parked)], ['handled', `${r.handled}, of them ${r.letters} failed for good and ${r.retries} were tried again`]]),
      h('div', { class: 'bar' }, r.door ? h('span', { class: 'dim' }, 'A door is called; it is not paused here.') : press(halt ? 'Resume' : 'Pause', async () => {
        await post(`/v1/routes/${encodeURIComponent(r.name)}/${verb}`);
        toast(halt ? `${r.name} goes on where it stopped.` : `${r.name} is paused: what it works on is finished, what comes waits in order.`);
      }, halt ? 'main' : 'bad'), link('letters?route=' + encodeURIComponent(r.name), 'Its letters', { class: 'button' })));
  }
  const pulse = p => {
    const now = JSON.stringify([p.routes, find.value, only.value, chosen]);
    if (now === drawn) return;
    drawn = now;
    draw(p);
    if (!detail.contains(document.activeElement)) tell(p);
  };
  for (const e of [find, only]) e.addEventListener('input', () => hub.pulse && pulse(hub.pulse));
  return { pulse, body: [h('h1', null, 'Routes as they run'), h('form', { class: 'bar', onsubmit: e => e.preventDefault() }, field('Those with', find, true), field('Of the routes that', only)), detail, drawing] };
}
