// An order that somebody writes by hand: begun anew, from a draft or as a copy, and checked as it is typed.
import { choice, field, h, link, press, table, to, toast, when } from './dom.js';
import { get, post, put, query } from './api.js';

const at = (owner, number) => '/v1/orders/' + encodeURIComponent(owner) + '/' + encodeURIComponent(number);
const local = iso => { const d = new Date(iso); return new Date(d - d.getTimezoneOffset() * 6e4).toISOString().slice(0, 16); };

// offers lists what the hub has of a name as it is typed.
function offers(input, id, list) {
  const d = h('datalist', { id });
  input.setAttribute('list', id);
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => list(input.value.trim()).then(names => d.replaceChildren(...names.map(([v, t]) => h('option', { value: v }, t))), () => {}), 200);
  });
  return d;
}

async function begun(q) {
  if (q.draft) return get('/v1/order-drafts/' + encodeURIComponent(q.draft));
  if (!q.number) return { order: {} };
  return { order: await get(at(q.owner, q.number) + '/copy') };
}

export async function entry({ q, go, again }) {
  const [draft, drafts] = await Promise.all([begun(q), get('/v1/order-drafts').catch(() => ({ items: [] }))]);
  const base = draft.order, address = base.ship_to || {};
  let { id, version } = draft;
  const touched = new Set(), places = new Map(), lines = h('tbody'), rows = [], status = h('p', { role: 'status' }), send = h('button', { class: 'main' }, 'Place the order');
  let all = false, found = [], timer, turn = 0, serial = 0, sent = false;

  // said stands below a field: what is wrong with it, or is to be known of it.
  function input(place, props, value) {
    const said = h('span', { class: 'said', id: 'said-' + ++serial }), e = h('input', { value: value ?? '', autocomplete: 'off', 'aria-describedby': said.id, ...props });
    places.set(place, { e, said });
    e.addEventListener('blur', () => { if (e.value) touched.add(e); show(); });
    return [e, said];
  }
  const labelled = (name, place, props, value, grow) => { const [e, said] = input(place, props, value); return { e, all: field(name, [e, said], grow) }; };

  const owner = labelled('Owner', 'owner', { maxlength: 128 }, base.owner), number = labelled('Order number', 'number', { maxlength: 128, required: true, 'aria-required': true }, base.number), facility = labelled('Building', 'facility', { maxlength: 128 }, base.facility);
  const po = labelled('Purchase order', 'refs[0].value', { maxlength: 128 }, base.refs?.find(r => r.kind === 'po')?.value);
  const priority = labelled('Priority (0 to 9)', 'priority', { type: 'number', min: 0, max: 9 }, base.priority ?? 0), by = labelled('Ship by', 'dates.ship_by', { type: 'datetime-local' }, base.dates?.ship_by && local(base.dates.ship_by));
  const policy = choice('policy', [['', 'ship what there is'], ['all_or_nothing', 'all or nothing']], base.policy === 'all_or_nothing' ? base.policy : '');
  const person = [['name', 'Name'], ['company', 'Company'], ['lines', 'Street'], ['city', 'City'], ['region', 'State or province'], ['postal_code', 'Postal code'], ['country', 'Country (US)'], ['phone', 'Phone'], ['email', 'Mail'], ['code', 'Location code']]
    .map(([k, name]) => [k, labelled(name, 'ship_to.' + (k === 'lines' ? 'lines[0]' : k), { maxlength: 256 }, k === 'lines' ? (address.lines || [])[0] : address[k], true)]);
  const street2 = labelled('Street, second line', 'ship_to.lines[1]', { maxlength: 256 }, (address.lines || [])[1], true);
  const carrier = labelled('Carrier', 'service.carrier', {}, base.service?.carrier), level = labelled('Service', 'service.level', {}, base.service?.level), note = labelled('Note for people', 'notes[0]', { maxlength: 4096 }, (base.notes || [])[0], true);

  function addLine(l) {
    const row = { l }, tr = h('tr');
    const cell = (name, props, value) => { const [e, said] = input(row, { 'aria-label': name, ...props }, value); row[name] = { e, said }; return h('td', null, e, said); };
    const item = cell('Item', { size: 14 }, l.item), qty = cell('Quantity', { type: 'number', min: 1, size: 6 }, l.qty || ''), uom = cell('Unit', { size: 6 }, l.uom);
    row.about = h('td', { class: 'wrap dim' });
    row.units = h('datalist', { id: 'units-' + ++serial });
    row.Unit.e.setAttribute('list', row.units.id);
    item.append(offers(row.Item.e, 'items-' + serial, begins => get('/v1/items' + query({ owner: owner.e.value.trim(), begins, limit: 20 })).then(p => p.items.map(d => [d.id, d.state?.spec?.description || d.id]))));
    tr.append(item, qty, uom, row.about, h('td', null, row.units, press('Remove', () => { rows.splice(rows.indexOf(row), 1); tr.remove(); check(); })));
    rows.push(row);
    lines.append(tr);
    return row;
  }
  for (const l of base.lines?.length ? base.lines : [{}]) addLine(l);

  // written is the document as the form has it; what the form does not show stays as it was.
  function written() {
    const doc = { ...base, number: number.e.value.trim(), lines: rows.map(r => ({ ...r.l, item: r.Item.e.value.trim(), qty: Number(r.Quantity.e.value), uom: r.Unit.e.value.trim() || undefined })) };
    const text = (k, v) => { if (v) doc[k] = v; else delete doc[k]; };
    text('owner', owner.e.value.trim());
    text('facility', facility.e.value.trim());
    text('policy', policy.value);
    text('priority', Number(priority.e.value));
    const ship = { ...address }, streets = [person.find(p => p[0] === 'lines')[1].e.value.trim(), street2.e.value.trim()].filter(Boolean);
    for (const [k, f] of person) if (k !== 'lines') { const v = f.e.value.trim(); if (v) ship[k] = v; else delete ship[k]; }
    if (streets.length) ship.lines = streets; else delete ship.lines;
    doc.ship_to = ship;
    const refs = [...(po.e.value.trim() ? [{ kind: 'po', value: po.e.value.trim() }] : []), ...(base.refs || []).filter(r => r.kind !== 'po')];
    text('refs', refs.length && refs);
    const dates = { ...base.dates, ship_by: by.e.value ? new Date(by.e.value).toISOString() : undefined };
    text('dates', Object.values(dates).some(Boolean) && dates);
    const service = { ...base.service, carrier: carrier.e.value.trim() || undefined, level: level.e.value.trim() || undefined };
    text('service', Object.values(service).some(Boolean) && service);
    const notes = [note.e.value.trim(), ...(base.notes || []).slice(1)].filter(Boolean);
    text('notes', notes.length && notes);
    return doc;
  }

  // where is the field that a place of the document stands in.
  function where(place) {
    const m = /^lines\[(\d+)\]\.(item|qty|uom)/.exec(place);
    if (m) return rows[m[1]]?.[{ item: 'Item', qty: 'Quantity', uom: 'Unit' }[m[2]]];
    return places.get(place) || (place === 'ship_to' ? places.get('ship_to.name') : null);
  }
  function show() {
    const below = new Map(), rest = [];
    for (const f of found) {
      const w = where(f.place);
      if (!w) rest.push(f);
      else if (f.note || all || touched.has(w.e)) below.set(w, [...(below.get(w) || []), f]);
    }
    for (const w of [...places.values(), ...rows.flatMap(r => [r.Item, r.Quantity, r.Unit])]) {
      const mine = below.get(w) || [];
      w.said.replaceChildren(...mine.map(f => h('span', { class: f.note ? 'dim' : 'problems' }, f.message)));
      if (mine.some(f => !f.note)) w.e.setAttribute('aria-invalid', 'true'); else w.e.removeAttribute('aria-invalid');
    }
    const wrong = found.filter(f => !f.note).length;
    status.replaceChildren(wrong ? `${wrong} thing${wrong > 1 ? 's are' : ' is'} missing or wrong.` : 'It can be placed.', ...(all ? rest.filter(f => !f.note).map(f => h('span', { class: 'problems' }, ` ${f.place}: ${f.message}`)) : []));
    return wrong;
  }
  async function check() {
    const mine = ++turn;
    clearTimeout(timer);
    let c;
    try { c = await post('/v1/orders/check', written()); } catch (x) {
      if (mine !== turn) return -1;
      if (!x.errors?.length) { status.replaceChildren(x.message); return -1; }
      c = { problems: x.errors, notes: [], lines: [] };
    }
    if (mine !== turn) return -1; // it was typed further
    found = [...c.problems, ...c.notes.map(n => ({ ...n, note: true }))];
    c.lines.forEach((l, i) => {
      const r = rows[i];
      if (!r) return;
      r.about.replaceChildren(l.known ? `${l.description ? l.description + ' · ' : ''}${l.available} ${l.units?.[0] || ''} available` : '');
      r.units.replaceChildren(...(l.units || []).map(u => h('option', { value: u })));
    });
    return show();
  }
  const keep = async () => {
    const body = { version, order: written() };
    ({ id, version } = await (id ? put('/v1/order-drafts/' + id, body) : post('/v1/order-drafts', body)));
    toast('The draft is kept.');
    if (q.draft !== id) go('entry' + query({ draft: id }));
  };
  const remove = (d, v) => post('/v1/order-drafts/' + d + '/remove', { version: v });

  const form = h('form', {
    novalidate: true, oninput: e => { touched.add(e.target); turn++; clearTimeout(timer); timer = setTimeout(check, 250); },
    onsubmit: async e => {
      e.preventDefault();
      if (sent) return;
      sent = send.disabled = true;
      try {
        all = true;
        const wrong = await check();
        if (wrong !== 0) { form.querySelector('[aria-invalid]')?.focus(); return; }
        const o = await post('/v1/orders', written());
        if (id) await remove(id, version).catch(x => toast(x.message));
        go(to('trace', o.order));
        toast(`Order ${o.order} is placed: ${o.status}.`);
      } catch (x) { toast(x.message); } finally { sent = send.disabled = false; }
    },
  },
  h('div', { class: 'bar' }, owner.all, number.all, po.all, facility.all, by.all, priority.all, field('What cannot be had whole', policy)),
  h('h2', null, 'Lines'), h('div', { class: 'scroll' }, h('table', null, h('thead', null, h('tr', null, ['Item', 'Quantity', 'Unit', 'Stock', ''].map(x => h('th', { scope: 'col' }, x || h('span', { class: 'away' }, 'Remove'))))), lines)),
  h('div', { class: 'bar' }, press('Add a line', () => { addLine({}).Item.e.focus(); check(); })),
  h('h2', null, 'Ship to'), h('div', { class: 'bar' }, person.slice(0, 3).map(p => p[1].all), street2.all), h('div', { class: 'bar' }, person.slice(3, 7).map(p => p[1].all)), h('div', { class: 'bar' }, person.slice(7).map(p => p[1].all)),
  h('h2', null, 'How it travels'), h('div', { class: 'bar' }, carrier.all, level.all, note.all),
  status, h('div', { class: 'bar' }, send, press(id ? 'Keep the draft' : 'Keep as a draft', keep), id ? press('Remove the draft', async () => { await remove(id, version); go('entry'); }, 'bad') : null));
  check();

  const of = h('input', { maxlength: 128, required: true, 'aria-label': 'Number of the order to copy' }), whose = h('input', { maxlength: 128, required: true, value: base.owner || '', 'aria-label': 'Owner of the order to copy' });
  return {
    body: [h('h1', null, id ? `Draft ${draft.number || id}` : q.number ? `Copy of ${q.number}` : 'New order'),
      id ? h('p', { class: 'dim' }, `Saved by ${draft.by} `, when(draft.at)) : null, form,
      h('h2', null, 'Drafts'), table(['Draft', 'Order', 'Owner', 'By', 'Saved'], drafts.items.map(d => h('tr', null, h('td', null, link('entry' + query({ draft: d.id }), d.id)), h('td', { class: 'wrap' }, d.number || ''), h('td', null, d.owner || ''), h('td', null, d.by), h('td', null, when(d.at)))), 'None is kept.'),
      h('form', { class: 'bar', onsubmit: e => { e.preventDefault(); go('entry' + query({ owner: whose.value.trim(), number: of.value.trim() })); } }, field('Copy the order', of), field('of owner', whose), h('button', null, 'Copy'))],
  };
}
