// A message as it is edited: checked as it is typed, proposed, approved of by somebody else.
import { facts, field, h, link, press, table, tag, to, toast, when } from './dom.js';
import { get, post } from './api.js';

const changesTable = list => table(['Field', 'Was', 'Will be'], list.map(c => h('tr', null, h('td', { class: 'wrap' }, c.field), h('td', { class: 'wrap' }, h('del', null, c.old)), h('td', { class: 'wrap' }, h('ins', null, c.new)))), 'Nothing is changed.');
const problemList = list => list.length ? h('ul', { class: 'problems' }, list.map(p => h('li', null, p.place ? h('b', null, p.place + ': ') : '', p.message))) : null;

// waits is an edit that somebody has to decide on.
function waits(path, d, again) {
  const e = d.edit, why = h('input', { maxlength: 1000 });
  const decide = (verb, said) => async () => { await post(`${path}/edit/${verb}`, { message: e.message, reason: why.value }); toast(said); await again(); };
  return [h('p', null, tag('edited', ''), ` ${e.author} proposed this `, when(e.at), `: ${e.reason}`), changesTable(d.changes), problemList(d.problems),
    h('div', { class: 'bar' }, press('Approve of the edit', decide('approve', 'The edited message goes.'), 'main'), field('Reason', why, true), press('Withdraw the edit', decide('withdraw', 'It was withdrawn.'), 'bad')),
    h('p', { class: 'dim' }, 'Who wrote it cannot approve of it.')];
}

// editView is what of a letter's message may be edited; nothing where nobody may.
export async function editView(path, letter, seen, again) {
  if (letter.state !== 'open') return letter.edit ? [h('h2', null, 'Edited'), facts([['by', letter.edit.author], ['stands', tag(letter.edit.state, '')], ['fields', letter.edit.fields.join(', ')], ['reason', letter.edit.reason], ['decided by', letter.edit.by]])] : null;
  const d = await get(path + '/edit').catch(() => null);
  if (!d) return null;
  if (d.edit?.state === 'waiting' && d.edit.opening === letter.opening) return [h('h2', null, 'An edit waits'), waits(path, d, again)];
  const text = h('textarea', { 'aria-label': 'Message', class: 'code', spellcheck: 'false', rows: 14, maxlength: 65536 }), why = h('input', { name: 'why', required: true, maxlength: 1000 });
  text.value = d.text;
  const said = h('div', { role: 'status' }), send = h('button', { class: 'main', disabled: true }, 'Propose this text');
  let timer, turn = 0;
  const check = async () => {
    const mine = ++turn;
    try {
      const c = await post(path + '/edit/check', { text: text.value });
      if (mine !== turn) return; // it was typed further
      said.replaceChildren(...[changesTable(c.changes), problemList(c.problems)].filter(Boolean));
      send.disabled = !c.changes.length || c.problems.length > 0;
    } catch (x) { if (mine === turn) said.replaceChildren(x.message); }
  };
  text.addEventListener('input', () => { send.disabled = true; clearTimeout(timer); timer = setTimeout(check, 250); });
  return [h('details', null, h('summary', null, 'Edit and replay'), h('form', {
    onsubmit: async e => {
      e.preventDefault();
      send.disabled = true;
      try {
        const p = await post(path + '/edit', { text: text.value, reason: why.value }, seen);
        toast(p.state === 'waiting' ? 'It waits for somebody else to approve of it.' : 'The edited message goes.');
        await again();
      } catch (x) { toast(x.message); send.disabled = false; }
    },
  }, h('p', { class: 'dim' }, `${d.format}. May be changed: ${d.allowed.join(', ')}.`), d.effects?.length ? h('p', null, 'What it already did outside stays done: what is unknown is asked for first, and a change of what is confirmed asks for its void.') : null,
  text, said, h('div', { class: 'bar' }, field('Why (kept with it)', why, true), send)))];
}

export async function edits() {
  const list = (await get('/v1/letter-edits')).items;
  return {
    body: [h('h1', null, 'Edits that wait for a second person'), table(['Letter', 'By', 'When', 'Fields', 'Reason'], list.map(e => h('tr', null, h('td', null, link(to('letter', e.letter), e.letter)), h('td', null, e.author), h('td', null, when(e.at)),
      h('td', { class: 'wrap' }, e.fields.join(', ')), h('td', { class: 'wrap' }, e.reason))), 'None waits.')],
  };
}
