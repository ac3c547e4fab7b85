// What failed, by cause and one by one.
import { ago, choice, facts, field, h, link, num, press, spark, table, tag, to, toast, when, wide } from './dom.js';
import { file, get, post, query } from './api.js';
import { documentView } from './trace.js';
import { editView } from './edit.js';

const states = [['', 'open'], ['replaying', 'replaying'], ['resolved', 'resolved'], ['dropped', 'dropped'], ['all', 'all']];
const channels = [['', 'both channels'], ['dead', 'could not be delivered'], ['invalid', 'could not be understood']];
export const channelName = c => (c === 'invalid' ? 'could not be understood' : 'could not be delivered');

function groupCard(g) {
  return h('article', { class: 'group ' + g.channel, 'aria-label': g.cause }, h('h2', null, link(to('group', g.fingerprint), g.cause)),
    h('p', null, tag(channelName(g.channel), g.channel), ' ', h('b', null, `${g.open} open`), g.replaying ? `, ${g.replaying} replaying` : '', ` of ${g.failures} failures · `, h('span', { class: 'wrap' }, g.route), g.place ? ` · ${g.place}` : ''),
    h('p', { class: 'dim' }, `first ${ago(g.first)} ago, last ${ago(g.last)} ago`, g.oldest ? `, oldest open ${ago(g.oldest)}` : '', ' · 24 h ', spark(g.hours || [], 'failures by hour'), g.assignee ? ` · ${g.assignee} looks after it` : ' · nobody looks after it', g.status !== 'open' ? [' ', tag(g.status, '')] : ''));
}

export async function groups({ q, go }) {
  const list = (await get('/v1/letter-groups' + query({ status: q.status }))).items;
  const pick = choice('status', [['', 'open'], ['snoozed', 'snoozed'], ['archived', 'archived'], ['done', 'done'], ['all', 'all']], q.status || '');
  pick.addEventListener('change', () => go('groups' + query({ status: pick.value })));
  const fresh = h('div', { role: 'status' });
  const known = new Map(list.map(g => [g.fingerprint, g.failures]));
  return {
    body: [h('h1', null, 'What fails, by cause'), h('div', { class: 'bar' }, field('Groups that are', pick)), fresh, list.length ? list.map(groupCard) : h('p', null, 'Nothing waits for you here.')],
    pulse: p => {
      const more = p.groups.filter(g => (known.get(g.fingerprint) ?? -1) < g.failures).length;
      if (more && !q.status) fresh.replaceChildren(press(`${more} groups changed: show`, () => go('groups'), 'main'));
    },
  };
}

// pace is the form of a replay.
export function replayForm(what, count, body, go) {
  const reason = h('input', { name: 'reason', required: true, maxlength: 1000 }), ramp = h('input', { name: 'ramp', value: '1, 2, 5, 10, 25, 50, 100' }), rate = h('input', { name: 'rate', type: 'number', min: 0, value: 0 }), stop = h('input', { name: 'stop', type: 'number', min: 1, max: 100, value: 20 });
  const plan = h('button', { class: 'main' }, `Plan the replay of ${count}`);
  return h('details', null, h('summary', null, `Replay ${what}`), h('form', {
    onsubmit: async e => {
      e.preventDefault();
      plan.disabled = true;
      try {
        const o = await post('/v1/replays', { ...body(), reason: reason.value, ramp: ramp.value.split(/[\s,]+/).filter(Boolean).map(Number), rate: Number(rate.value), stop_at: Number(stop.value) });
        go(to('replay', o.id));
      } catch (x) { toast(x.message); } finally { plan.disabled = false; }
    },
  }, h('div', { class: 'bar' }, field('Why (kept with it)', reason, true), field('Steps', ramp), field('At most per second (0: any)', rate), field('Stop at % failed', stop), plan),
  h('p', { class: 'dim' }, 'This is a dry run: nothing leaves before you start it. What was done outside is not done again.')));
}

// remedyForm adds what the item master lacks; the letters that wait for it go on by themselves.
function remedyForm(r, again) {
  const n = `${r.letters} letter${r.letters === 1 ? '' : 's'}`;
  if (r.operation !== 'register-item') return h('p', { class: 'card wrap' }, `Item ${r.item} has no unit ${r.missing} (${n}): add it by ${r.operation} (see /docs).`);
  const unit = h('input', { value: 'each', required: true, maxlength: 32 }), about = h('input', { maxlength: 1024 });
  const add = async () => {
    await post('/v1/items', { owner: r.owner, sku: r.missing, description: about.value || undefined, units: [{ uom: unit.value.trim(), factor: 1 }] });
    toast(`${r.missing} is known`);
    again();
  };
  return h('form', { class: 'card', 'aria-label': 'Add item ' + r.missing, onsubmit: e => { e.preventDefault(); add().catch(x => toast(x.message)); } },
    h('p', { class: 'wrap' }, 'Item ', h('strong', null, r.missing), r.owner ? ` of ${r.owner}` : '', ` is not known (${n}).`),
    h('div', { class: 'bar' }, field('Smallest unit', unit), field('Description', about, true), h('button', { class: 'main' }, 'Add the item')));
}

export async function group({ rest, go, again }) {
  const id = rest[0], path = '/v1/letter-groups/' + encodeURIComponent(id);
  const [g, c, page] = await Promise.all([get(path), get(path + '/contrast').catch(() => null), get('/v1/letters/search' + query({ group: id, limit: 20 }))]);
  const tend = body => post(path, body).then(again);
  const note = h('textarea', { 'aria-label': 'Note', maxlength: 4000 }), who = h('input', { value: g.assignee || '' }), book = h('textarea', { 'aria-label': 'Runbook', maxlength: 16000 });
  book.value = g.runbook || '';
  const why = h('input', { maxlength: 4000 });
  return {
    body: [h('h1', null, g.cause),
      facts([['channel', tag(channelName(g.channel), g.channel)], ['route', link('map?route=' + encodeURIComponent(g.route), g.route)], ['place', g.place], ['kind', g.kind], ['stands', tag(g.status, '')],
        ['letters', `${g.open} open, ${g.replaying} replaying, ${g.resolved} resolved, ${g.dropped} dropped; ${g.failures} failures in all`], ['first', when(g.first)], ['last', when(g.last)], ['oldest open', g.oldest && when(g.oldest)],
        ['by hour', spark(g.hours || [], 'failures by hour of the last day')], ['looked after by', g.assignee || 'nobody'], ['snoozed until', g.snoozed && when(g.snoozed)], ['archived', g.archived && `by ${g.archived.by}: ${g.archived.reason}`]]),
      g.remedy?.length ? [h('h2', null, 'What is missing'), g.remedy.map(r => remedyForm(r, again))] : null,
      g.runbook ? [h('h2', null, 'What to do'), h('pre', null, g.runbook)] : null,
      c ? [h('h2', null, 'What the failures have in common'), table(['Field', 'Value', 'Failures', 'Successes'], c.traits.map(t => h('tr', null, h('td', { class: 'wrap' }, t.field), h('td', { class: 'wrap' }, t.value), h('td', null, `${t.failures} of ${c.failures}`), h('td', null, `${t.successes} of ${c.successes}`))), 'No field tells them from what went well.'),
        c.before.length ? [h('h2', null, 'What changed in the hour before'), h('ol', { class: 'line' }, c.before.map(b => h('li', null, when(b.at), ' ', b.type, ' ', b.key || '', b.data ? h('pre', null, JSON.stringify(b.data, null, 1)) : '')))] : null] : null,
      h('h2', null, 'Letters'), lettersTable(page.items), page.next ? h('p', null, link('letters' + query({ group: id, state: 'all' }), `All ${page.total}${page.more ? '+' : ''}`)) : null,
      g.open ? replayForm('this group', `${g.open} letters`, () => ({ search: { group: id } }), go) : null,
      h('h2', null, 'Notes'), (g.notes || []).map(n => h('div', { class: 'card' }, h('p', { class: 'wrap' }, n.text), h('p', { class: 'dim' }, n.by, ' ', when(n.at)))),
      h('form', { onsubmit: e => e.preventDefault() }, note, h('div', { class: 'bar' }, press('Add the note', () => note.value.trim() && tend({ note: note.value })))),
      h('details', null, h('summary', null, 'Assign, snooze, archive, runbook'),
        h('div', { class: 'bar' }, field('Looked after by', who), press('Assign', () => tend({ assign: who.value })), press('Snooze for a day', () => tend({ snooze: new Date(Date.now() + 864e5).toISOString() })), g.snoozed ? press('Wake', () => tend({ snooze: 'off' })) : null),
        h('div', { class: 'bar' }, field('Reason', why, true), press('Archive', () => tend({ archive: why.value || ' ' }), 'bad'), g.archived ? press('Restore', () => tend({ restore: true })) : null),
        book, h('div', { class: 'bar' }, press('Keep the runbook', () => tend({ runbook: book.value }))))],
  };
}

function lettersTable(items, pickable) {
  return table([...(pickable ? [''] : []), 'Letter', 'State', 'Cause', 'Route', 'Partner', 'Key', 'Failed'], items.map(l => h('tr', null,
    pickable ? h('td', null, h('input', { type: 'checkbox', name: 'pick', value: l.opening > 1 ? `${l.id}.${l.opening}` : `${l.id}.1`, 'aria-label': 'choose ' + l.id, disabled: l.state !== 'open' })) : null,
    h('td', null, link(to('letter', l.id), l.id)), h('td', null, tag(l.state)), h('td', { class: 'wrap' }, l.cause), h('td', null, l.route), h('td', null, l.partner || ''),
    h('td', { class: 'wrap' }, l.key ? link(to('trace', l.key), l.key) : ''), h('td', null, when(l.failed)))), 'No letters.');
}

export async function letters({ q, go, again }) {
  const words = ['state', 'channel', 'route', 'kind', 'type', 'partner', 'group', 'key', 'text', 'from', 'to'];
  const asked = Object.fromEntries(words.map(w => [w, q[w]]));
  const [page, saved] = await Promise.all([get('/v1/letters/search' + query({ ...asked, cursor: q.cursor })), get('/v1/letter-searches').catch(() => ({ items: [] }))]);
  const mine = query(asked), name = h('input', { name: 'name', maxlength: 64, required: true });
  const keep = (n, search) => post('/v1/letter-searches', { name: n, query: search }).then(again);
  const searches = h('details', null, h('summary', null, 'Saved searches'), saved.items.length ? h('ul', null, saved.items.map(s => h('li', null, link('letters?' + s.query, s.name), h('span', { class: 'dim' }, ` ${s.query} · ${s.by} `), press('Remove ' + s.name, () => keep(s.name, ''))))) : h('p', { class: 'dim' }, 'None is saved yet.'),
    mine ? h('form', { class: 'bar', onsubmit: e => { e.preventDefault(); keep(name.value, mine).catch(x => toast(x.message)); } }, field('Save this search as', name), h('button', null, 'Save')) : h('p', { class: 'dim' }, 'Search for something to save it.'));
  const input = (name, grow) => h('input', { name, value: q[name] || '', size: 12 });
  const form = h('form', {
    class: 'bar', onsubmit: e => { e.preventDefault(); go('letters' + query(Object.fromEntries(new FormData(e.target)))); },
  }, field('State', choice('state', states, q.state || '')), field('Channel', choice('channel', channels, q.channel || '')), field('Any number (order, PO, SSCC…)', input('key'), true), field('Words of the cause', input('text'), true),
  field('Partner', input('partner')), field('Route', input('route')), h('button', { class: 'main' }, 'Search'));
  const list = h('form', null, lettersTable(page.items, true));
  const csv = press('CSV', async () => {
    const a = h('a', { href: URL.createObjectURL(await file('/v1/letters/export' + query(asked))), download: 'letters.csv' });
    a.click();
    URL.revokeObjectURL(a.href);
  });
  const search = () => { const s = { ...asked }; delete s.state; for (const k in s) if (!s[k]) delete s[k]; return s; };
  return {
    body: [h('h1', null, 'Letters'), form, searches, h('p', null, link('edits', 'Edits that wait for a second person')), h('p', { role: 'status' }, `${page.total}${page.more ? '+' : ''} letters`), list, h('div', { class: 'bar' }, page.next ? link('letters' + query({ ...asked, cursor: page.next }), 'Older', { class: 'button' }) : null, csv),
      replayForm('those that are chosen', 'them', () => ({ letters: [...list.querySelectorAll('[name=pick]:checked')].map(x => x.value) }), go),
      replayForm('all open letters of this search', `${page.total}${page.more ? '+' : ''}`, () => ({ search: search() }), go)],
  };
}

export async function letter({ rest, again, go }) {
  const id = rest[0], path = '/v1/letters/' + encodeURIComponent(id), d = await get(path);
  const [message, g] = await Promise.all([get('/v1/messages/' + (d.in_force || d.position)).catch(() => null), get('/v1/letter-groups/' + d.fingerprint).catch(() => null)]);
  const seen = { 'If-Match': `"${d.opening}"` }, why = h('input', { maxlength: 1000 }), edit = await editView(path, d, seen, again);
  return {
    body: [h('h1', null, d.cause), h('p', null, tag(d.state), ' ', tag(channelName(d.channel), d.channel), ' ', d.kind),
      facts([['what next', d.next], ['place', d.place], ['group', link(to('group', d.fingerprint), g ? `${g.open} open of ${g.failures}` : d.fingerprint)], ['route', link('map?route=' + encodeURIComponent(d.route), d.route)], ['message', `${d.type} at position ${d.position}`],
        ['key', d.key && link(to('trace', d.key), d.key)], ['journey', d.correlation && link(to('trace', d.correlation), d.correlation)], ['partner', d.partner], ['numbers', (d.keys || []).map((k, i) => [i ? ', ' : '', k.kind + ' ', link(to('trace', k.value), k.value)])], ['reason', d.reason], ['by', d.actor]]),
      g?.runbook ? [h('h2', null, 'What to do'), h('pre', null, g.runbook)] : null,
      h('h2', null, 'What it already did outside'), table(['State', 'What', 'Through', 'Since'], (d.effects || []).map(e => h('tr', null, h('td', null, tag(e.state)), h('td', { class: 'wrap' }, e.ref), h('td', null, e.conn), h('td', null, when(e.started)))), 'Nothing: all of it is still to come.'),
      d.state === 'open' ? [h('h2', null, 'Mend'), h('div', { class: 'bar' }, press('Replay this letter', async () => { await post(path + '/replay', undefined, seen); toast('It goes again.'); await again(); }, 'main'),
        field('Reason', why, true), press('Drop', async () => { await post(path + '/drop', { reason: why.value }, seen); await again(); }, 'bad'))] : null,
      edit,
      h('h2', null, 'Attempts'), table(['When', 'Kind', 'What it said'], (d.attempts || []).map(a => h('tr', null, h('td', null, when(a.at)), h('td', null, a.kind), h('td', { class: 'wrap' }, a.error)))),
      h('h2', null, 'Message'), message ? documentView(message) : h('pre', null, d.message.dump || d.message.payload), d.stack ? [h('h2', null, 'Stack'), h('pre', null, d.stack)] : null],
  };
}
