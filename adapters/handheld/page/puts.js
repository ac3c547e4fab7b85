// Goods that were picked for several orders are put apart: each into the slot of its order.
import * as db from './db.js';
import * as queue from './queue.js';
import { clean, lpn, units } from './codes.js';
import { choose, counter, described, ended, esc, lotOf, wrong } from './screen.js';
import { cached, refresh, same, worker } from './work.js';
import { menu } from './steps.js';

export async function puts(go) {
  const work = await refresh();
  const begin = async (t, tote) => { await look(t); return tote ? go(() => article(go, t, tote)) : go(() => from(go, t)); };
  return choose('Put apart', 'Nothing to put apart', work.puts.map(t => ({ name: t.task, note: t.totes.join(' '), go: () => begin(t) })), {
    take: code => {
      const t = work.puts.find(x => x.task === clean(code) || x.totes.includes(lpn(code)));
      return t ? begin(t, t.totes.find(x => x === lpn(code))) : wrong('Nothing to put apart is in ' + clean(code));
    },
  });
}

// look asks what lies in which tote, and which order has which slot: others may stand before the
// wall. What was asked for before is good off line too.
async function look(t) {
  if (t.lies && await db.howMany() > 0) return;
  try {
    const got = await queue.call('POST', `/v1/picks/${encodeURIComponent(t.owner)}/${encodeURIComponent(t.task)}/totes`);
    t.lies = got.left.flatMap(l => { const s = t.steps.find(x => x.no === l.step); return s ? [{ ...s, tote: l.tote, left: l.qty, slot: l.slot, owner: l.owner }] : []; });
    const work = await cached();
    for (const x of work.puts) if (same(x, t)) x.lies = t.lies;
    await db.put('work', work);
  } catch (e) {
    if (!t.lies) wrong(e.status ? e.message : 'Off line: what lies in a tote can be asked for once you are back on line');
  }
}

const from = (go, t) => ({
  title: t.task, say: 'Scan the tote', html: t.totes.map(x => `<div class="card">${esc(x)}</div>`).join(''),
  take: code => (t.totes.includes(lpn(code)) ? go(() => article(go, t, lpn(code))) : wrong(`${lpn(code)} is none of its totes`)),
});

function article(go, t, tote) {
  const here = t.lies.filter(s => s.tote === tote && s.left > 0);
  if (here.length === 0) return ended(t.task, `${tote} is empty`, '', () => go(t.lies.some(s => s.left > 0) ? () => from(go, t) : puts));
  return {
    title: `${t.task} · ${tote}`, say: 'Scan an article',
    html: here.map(s => `<div class="card">${described(s)}${lotOf(s)}<div class="dim">${s.left} for ${esc(s.order)}${s.slot ? ', slot ' + esc(s.slot) : ''}</div></div>`).join(''),
    take: code => {
      const fit = here.filter(s => units(code, s.codes) > 0);
      if (!fit.length) wrong(`Nothing of it is to be put from ${tote}`);
      return go(() => slot(go, t, tote, fit.find(s => s.slot) || fit[0], code));
    },
    buttons: [['Other tote', () => go(() => from(go, t))], ['Stop', () => go(menu)]],
  };
}

function slot(go, t, tote, s, code) {
  let n = Math.min(s.left, units(code, s.codes));
  const show = () => ({
    title: `${t.task} · ${tote}`, say: s.slot ? 'Put into' : `Scan a free slot for ${s.order}`,
    html: (s.slot ? `<div class="big">${esc(s.slot)}</div>` : '') + described(s) + lotOf(s) + counter(n) + `<div class="dim">of ${s.left} for ${esc(s.order)}</div>`,
    add: d => (n = Math.min(s.left, Math.max(1, n + d))),
    take: async scanned => {
      if (units(scanned, s.codes) > 0) {
        if (n + units(scanned, s.codes) > s.left) wrong(`${s.left} are enough`);
        n += units(scanned, s.codes);
        return go(show);
      }
      const place = lpn(scanned);
      if (s.slot && place !== s.slot) wrong(`This is ${place}. ${s.order} comes together in ${s.slot}`);
      const other = t.lies.find(x => x.slot === place && (x.order !== s.order || x.owner !== s.owner));
      if (other) wrong(`${place} is the slot of ${other.order}`);
      return put(place);
    },
    buttons: [['No', () => go(() => article(go, t, tote))]],
  });
  const put = async place => {
    s.left -= n;
    for (const x of t.lies) if (x.order === s.order && x.owner === s.owner) x.slot = place;
    const work = await cached();
    work.puts = work.puts.map(x => (same(x, t) ? t : x)).filter(x => !x.lies || x.lies.some(y => y.left > 0));
    await queue.scan({ worker: await worker(), do: 'put', owner: t.owner, task: t.task, step: s.no, code, place, tote, qty: n }, { work });
    return go(() => article(go, t, tote));
  };
  return show();
}
