// Each way through the building as the same few screens: what to scan now, what happens with it,
// and which buttons there are.
import * as db from './db.js';
import * as queue from './queue.js';
import { clean, key, lpn, serial, units } from './codes.js';
import { choose, counter, described, ended, esc, list, lotOf, serials, wrong } from './screen.js';
import { cached, claim, refresh, same, stands, worker } from './work.js';
import { moves } from './moves.js';
import { next } from './next.js';
import { puts } from './puts.js';

export async function menu(go) {
  const work = await cached();
  const rows = [
    ['Next task', next, ''], ['Receive', receipts, work.receipts.length], ['Put away', moves('putaway'), work.moves.filter(m => m.kind === 'putaway').length],
    ['Pick', picks, work.picks.length], ['Put apart', puts, work.puts.length], ['Pack', packs, work.packs.length], ['Count', counts, work.counts.length],
    ['Replenish', moves('replenish'), work.moves.filter(m => m.kind === 'replenish').length], ['Move', move, ''],
  ];
  return {
    title: (await db.get('device')) + ' · ' + (await worker()), top: true,
    html: list(rows.map(([name, , n]) => ({ name, note: n || '' })), 'menu'),
    pick: i => go(rows[i][1]),
    take: () => wrong('Choose what you do first'),
  };
}

// receipts are what was announced; goods come in without it too.
export async function receipts(go) {
  const work = await refresh();
  if (work.receipts.length === 0) return receive(go);
  return choose('Receive', '', [...work.receipts.map(r => ({
    name: r.receipt, note: [r.dock, `${r.lines.length} lines`].filter(x => x).join(' · '), go: () => go(() => receive(go, r)),
  })), { name: 'Not announced', note: '', go: () => go(() => receive(go)) }]);
}

function receive(go, due) {
  let place = '';
  const title = due ? due.receipt : 'Receive';
  const base = async () => ({ worker: await worker(), do: 'receive', place, ...(due && { owner: due.owner, task: due.receipt }) });
  const goods = async code => {
    // Whether an item asks for serial numbers its announcement says, or the hub has said before.
    const known = due?.lines.find(l => units(code, l.codes) > 0), own = serial(code);
    const asks = known?.serial || ((await db.get('serialled')) || []).includes(key(code)), one = known ? units(code, known.codes) : 1;
    let n = one;
    const send = async numbers => {
      await queue.scan({ ...await base(), code, qty: n, ...(numbers && { serials: numbers }) });
      return go(ask);
    };
    const numbers = () => {
      const first = own && n === 1 ? [own] : [];
      return first.length ? send(first) : go(() => serials(go, { title, goods: known || { item: clean(code), codes: [{ code: key(code) }] }, many: n, has: [], done: send, back: () => go(show) }));
    };
    const show = () => ({
      title, say: 'How many?',
      html: `<div class="dim">at ${esc(place)}</div>${known ? described(known) : `<div class="mid">${esc(clean(code))}</div>`}${counter(n)}${asks ? '<div class="dim">each with its serial number</div>' : ''}`,
      add: d => (n = Math.max(1, n + d)),
      take: typed => (/^\d{1,6}$/.test(typed) && +typed > 0 ? (n = +typed) : typed === code && !own ? (n += one) : wrong('A number, please')),
      go: ['Receive', () => (asks ? numbers() : send())],
      buttons: asks ? [] : [['Serial numbers', numbers]],
    });
    return show();
  };
  const whole = async code => {
    await queue.scan({ ...await base(), code });
    return go(ask);
  };
  const ask = () => ({
    title, say: place ? 'Scan the goods' : 'Scan the place',
    html: (place ? `<div class="dim">at</div><div class="big">${esc(place)}</div>` : '<div class="dim">Where do they come in?</div>') +
      (due ? due.lines.map(l => `<div class="card">${described(l)}${lotOf(l)}<div class="dim">${l.qty} to come${l.lpn ? ' on ' + esc(l.lpn) : ''}</div></div>`).join('') : ''),
    take: code => {
      if (!place) { place = clean(code); return go(ask); }
      // A logistic label says how many there are, and so does the announcement of a pallet.
      return /\(37\)|^(\][A-Z]\d)?00\d{18}02\d{14}/i.test(code) || due?.lines.some(l => l.lpn && l.lpn === lpn(code)) ? whole(code) : go(() => goods(code));
    },
    buttons: place ? [['Other place', () => { place = ''; return go(ask); }]] : [],
  });
  return ask();
}

export async function picks(go) {
  const work = await refresh();
  return choose('Pick', 'Nothing to pick', work.picks.map(t => ({
    name: t.task, note: `${t.order || ''} · ${t.steps.length} steps`,
    go: async () => { await claim('picks', t); return go(() => tote(go, t, menu)); },
  })));
}

// tote begins a pick; on is where it goes when the pick has ended.
export const tote = (go, t, on) => ({
  title: t.task, say: 'Scan your tote', html: `<div class="dim">${t.steps.length} steps of ${esc(t.order)}</div>`,
  take: code => go(() => step(go, t, clean(code), on)),
});

function step(go, t, into, on) {
  const all = t.steps.length, at = t.steps.findIndex(s => s.left > 0);
  if (at < 0) return ended(t.task, 'Done', 'Bring the tote to packing.', () => go(on));
  const s = t.steps[at], has = [];
  let there = false, n = 0;
  const head = `<progress value="${at}" max="${all}" aria-label="steps done"></progress>`;
  const kept = async change => {
    const work = await cached();
    for (const x of work.picks) if (same(x, t)) { change(x.steps[at]); Object.assign(t, x); }
    work.picks = work.picks.filter(x => x.steps.some(y => y.left > 0));
    return { work };
  };
  const base = async () => ({ worker: await worker(), owner: t.owner, task: t.task, step: s.no, place: s.place, tote: into });
  const show = () => ({
    title: `${t.task} · ${at + 1}/${all}`, say: there ? `Scan ${s.left} of` : 'Go to',
    html: there
      ? `${head}${described(s)}${lotOf(s)}${s.serial ? `<div class="big">${n}</div>` : counter(n)}<div class="dim">of ${s.left}, from ${esc(s.place)} into ${esc(into)}</div>`
      : `${head}<div class="big">${esc(s.place)}</div>${described(s)}${lotOf(s)}<div class="dim">${s.left} to pick</div>`,
    add: d => (n = Math.min(s.left, Math.max(0, n + d))),
    take: async code => {
      if (!there) {
        const p = lpn(code);
        if (p !== s.place && p !== s.lpn) wrong(`This is ${p}. Go to ${s.place}`);
        there = true;
        await stands(s.place);
        return go(show);
      }
      if (/^\d{1,4}$/.test(code) && !units(code, s.codes)) {
        if (s.serial) wrong(`Scan ${s.item}, then its serial number`);
        if (+code < 1 || +code > s.left) wrong(`There are ${s.left} to pick`);
        n = +code;
        return n === s.left ? done() : go(show);
      }
      const u = units(code, s.codes), own = serial(code);
      if (!u) wrong(`This is not ${s.item}`);
      if (n + u > s.left) wrong(`${s.left} are enough`);
      const take = numbers => {
        has.push(...numbers);
        n += u;
        s.scanned = code;
        return n === s.left ? done() : go(show);
      };
      if (!s.serial) return take([]);
      if (own && u === 1) return has.includes(own) ? wrong(`${own} was scanned already`) : take([own]);
      return go(() => serials(go, { title: t.task, goods: s, many: u, has, done: take, back: () => go(show) }));
    },
    go: there && n > 0 ? [`Into ${into}: ${n}`, () => done()] : undefined,
    buttons: there ? [['Short', () => go(short)]] : [['Other tote', () => go(() => tote(go, t, on))]],
  });
  const taken = async () => {
    if (!s.scanned) wrong(`Scan ${s.item} once at least`);
    const scan = { ...await base(), do: 'pick', code: s.scanned, qty: n, ...(has.length && { serials: has }) };
    await queue.scan(scan, await kept(x => { x.left -= n; delete x.scanned; }));
  };
  const done = async () => {
    await taken();
    return go(() => step(go, t, into, on));
  };
  const short = () => ({
    title: `Short of ${s.item}`, say: s.serial ? `${n} were found` : 'How many did you find?',
    html: `${described(s)}${s.serial ? '' : counter(n)}<div class="dim">instead of ${s.left} at ${esc(s.place)}</div>`,
    add: d => (n = Math.min(s.left - 1, Math.max(0, n + d))),
    take: typed => (!s.serial && /^\d{1,4}$/.test(typed) && +typed < s.left ? (n = +typed, go(short)) : wrong(s.serial ? 'Each that was found is scanned' : `A number below ${s.left}`)),
    go: ['Short', async () => {
      // Those with serial numbers are confirmed by them first.
      if (s.serial && n > 0) { await taken(); n = 0; }
      const scan = { ...await base(), do: 'short', qty: n, reason: 'not_found' };
      await queue.scan(scan, await kept(x => { x.left = 0; delete x.scanned; }));
      return go(() => step(go, t, into, on));
    }],
    buttons: [['No', () => go(show)]],
  });
  return show();
}

export async function packs(go) {
  const work = await refresh();
  return choose('Pack', 'Nothing to pack', work.packs.map(p => ({ name: p.pack, note: `${p.order} · ${[...new Set(p.left.map(l => l.tote))].join(' ')}`, go: () => go(() => pack(go, p, [])) })), {
    take: code => {
      const p = work.packs.find(x => x.pack === clean(code) || x.left.some(l => l.tote === clean(code)));
      return p ? go(() => pack(go, p, [])) : wrong('Nothing to pack is in ' + clean(code));
    },
  });
}

function pack(go, p, inside) {
  const left = p.left.reduce((n, l) => n + l.qty, 0), put = inside.reduce((n, c) => n + c.qty, 0);
  if (left === 0) return ended(p.pack, 'Packed', '', () => go(menu));
  return {
    title: p.pack, say: put < left ? 'Scan what goes into the carton' : 'All is in: close the carton',
    html: `<div class="mid">${put} of ${left}</div>` + p.left.map(l => `<div class="card">${described(l)}<div class="dim">${l.qty - (l.put || 0)} left${l.tote ? ', tote ' + esc(l.tote) : ''}</div></div>`).join(''),
    take: code => {
      const l = p.left.find(x => units(code, x.codes) > 0);
      if (!l) wrong('This is not of order ' + p.order);
      const u = units(code, l.codes), free = p.left.find(x => units(code, x.codes) > 0 && x.qty - (x.put || 0) >= u), own = serial(code);
      if (!free) wrong(`No more of ${l.item} belongs to it`);
      const has = inside.flatMap(c => c.serials || []);
      const take = numbers => {
        free.put = (free.put || 0) + u;
        const had = inside.find(c => c.code === clean(code));
        if (had) { had.qty += u; had.serials?.push(...numbers); } else inside.push({ code: clean(code), qty: u, ...(numbers.length && { serials: numbers }) });
        return go(() => pack(go, p, inside));
      };
      if (!l.serial) return take([]);
      if (own && u === 1) return has.includes(own) ? wrong(`${own} was scanned already`) : take([own]);
      return go(() => serials(go, { title: p.pack, goods: l, many: u, has, done: take, back: () => go(() => pack(go, p, inside)) }));
    },
    go: put > 0 ? ['Close the carton', () => go(() => close(go, p, inside))] : undefined,
    buttons: [['Empty it', () => { for (const l of p.left) delete l.put; return go(() => pack(go, p, [])); }]],
  };
}

const close = (go, p, inside) => ({
  title: p.pack, say: 'Scan the box', html: '<div class="dim">Which kind of box is it?</div>',
  take: async code => {
    const scan = { worker: await worker(), do: 'pack', owner: p.owner, task: p.pack, box: clean(code), contents: inside };
    for (const l of p.left) { l.qty -= l.put || 0; delete l.put; }
    p.left = p.left.filter(l => l.qty > 0);
    const work = await cached();
    work.packs = work.packs.map(x => (x.pack === p.pack && x.owner === p.owner ? p : x)).filter(x => x.left.length > 0);
    await queue.scan(scan, { work });
    return go(() => pack(go, p, []));
  },
  buttons: [['No', () => go(() => pack(go, p, inside))]],
});

export async function counts(go) {
  const work = await refresh();
  return choose('Count', 'Nothing to count', work.counts.map(c => ({ name: c.place, note: c.item, go: () => go(() => count(go, c, counts)) })));
}

export function count(go, c, on) {
  let there = false, n = 0;
  const show = () => ({
    title: 'Count', say: there ? 'How many lie here?' : 'Go to',
    html: there ? `${described(c)}${lotOf(c)}${counter(n)}<div class="dim">at ${esc(c.place)}</div>` : `<div class="big">${esc(c.place)}</div>${described(c)}${lotOf(c)}`,
    add: d => (n = Math.max(0, n + d)),
    take: async code => {
      if (!there) {
        if (lpn(code) !== c.place) wrong(`This is ${lpn(code)}. Go to ${c.place}`);
        there = true;
        await stands(c.place);
      } else if (units(code, c.codes)) n += units(code, c.codes);
      else if (/^\d{1,7}$/.test(code)) n = +code;
      else wrong(`This is not ${c.item}`);
      return go(show);
    },
    go: there ? ['That is all', async () => {
      const work = await cached();
      work.counts = work.counts.filter(x => x.count !== c.count);
      await queue.scan({ worker: await worker(), do: 'count', owner: c.owner, task: c.count, place: c.place, qty: n }, { work });
      return go(on);
    }] : undefined,
  });
  return show();
}

export async function move(go) {
  let what = '';
  const show = () => ({
    title: 'Move', say: what ? 'Scan where it is put' : 'Scan the pallet, case or tote',
    html: what ? `<div class="mid">${esc(lpn(what))}</div>` : '',
    take: async code => {
      if (!what) { what = code; return go(show); }
      await queue.scan({ worker: await worker(), do: 'move', code: what, place: clean(code) });
      what = '';
      return go(show);
    },
  });
  return show();
}
