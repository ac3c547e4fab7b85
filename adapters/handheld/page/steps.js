// Each way through the building as the same few screens: what to scan now, what happens with it,
// and which buttons there are. A step is {say, html, take(code), buttons, title}.
import * as db from './db.js';
import * as queue from './queue.js';
import { clean, lpn, units } from './codes.js';

export const esc = s => String(s ?? '').replace(/[&<>"']/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }[c]));

class Wrong extends Error {}
const wrong = text => { throw new Wrong(text); };
const cached = async () => (await db.get('work')) || { picks: [], packs: [], counts: [] };
const described = x => `<div class="mid">${esc(x.item)}</div>${x.description ? `<div class="dim">${esc(x.description)}</div>` : ''}`;
const lotOf = x => (x.lot ? `<div class="dim">lot ${esc(x.lot)}</div>` : '');
const counter = n => `<div class="qty"><button type="button" data-add="-1" aria-label="one less">&minus;</button><output id="qty">${n}</output><button type="button" data-add="1" aria-label="one more">+</button></div>`;

// refresh fetches what there is to do. While scans wait to be sent the hub knows less than we.
export async function refresh() {
  const worker = await db.get('worker');
  if (await db.howMany() > 0) return cached();
  try {
    const work = await queue.call('GET', '/v1/scans/work?worker=' + encodeURIComponent(worker));
    if (await db.howMany() === 0) await db.put('work', work);
  } catch (e) {
    if (e.status === 401) throw e;
  }
  return cached();
}

const worker = () => db.get('worker');

export async function menu(go) {
  const work = await cached();
  const rows = [['Receive', receive, ''], ['Pick', picks, work.picks.length || ''], ['Pack', packs, work.packs.length || ''], ['Count', counts, work.counts.length || ''], ['Move', move, '']];
  return {
    title: (await db.get('device')) + ' · ' + (await worker()), top: true,
    html: `<div class="list">${rows.map((r, i) => `<button type="button" data-row="${i}">${r[0]}<small>${r[2]}</small></button>`).join('')}</div>`,
    pick: i => go(rows[i][1]),
    take: () => wrong('Choose what you do first'),
  };
}

function choose(title, none, rows, take) {
  return {
    title, say: rows.length ? 'Choose, or scan' : none,
    html: `<div class="list">${rows.map((r, i) => `<button type="button" data-row="${i}">${esc(r.name)}<small>${esc(r.note)}</small></button>`).join('')}</div>`,
    pick: i => rows[i].go(),
    take: code => (rows.find(r => r.name === clean(code)) || wrong('There is none called ' + clean(code))).go(),
    ...take,
  };
}

export async function receive(go) {
  const place = { v: '' }, owner = { v: '' };
  const goods = async code => {
    let n = 1;
    return {
      title: 'Receive', say: 'How many?',
      html: `<div class="dim">at ${esc(place.v)}</div><div class="mid">${esc(clean(code))}</div>${counter(n)}`,
      add: d => (n = Math.max(1, n + d)),
      take: typed => (/^\d{1,6}$/.test(typed) && +typed > 0 ? (n = +typed) : typed === code ? ++n : wrong('A number, please')),
      go: ['Receive', async () => {
        await queue.scan({ worker: await worker(), do: 'receive', code, place: place.v, qty: n, owner: owner.v || undefined });
        return go(ask);
      }],
    };
  };
  const sscc = async code => {
    await queue.scan({ worker: await worker(), do: 'receive', code, place: place.v });
    return go(ask);
  };
  const ask = async () => ({
    title: 'Receive', say: place.v ? 'Scan the goods' : 'Scan the place',
    html: place.v ? `<div class="dim">at</div><div class="big">${esc(place.v)}</div>` : '<div class="dim">Where do they come in?</div>',
    take: code => {
      if (!place.v) { place.v = clean(code); return go(ask); }
      // A logistic label says how many there are.
      return /\(37\)|^(\][A-Z]\d)?00\d{18}02\d{14}/i.test(code) ? sscc(code) : go(() => goods(code));
    },
    buttons: place.v ? [['Other place', () => { place.v = ''; return go(ask); }]] : [],
  });
  return ask();
}

export async function picks(go) {
  const work = await refresh();
  return choose('Pick', 'Nothing to pick', work.picks.map(t => ({
    name: t.task, note: `${t.order || ''} · ${t.steps.length} steps`,
    go: () => go(() => claim(go, t)),
  })));
}

async function claim(go, t) {
  const w = await worker();
  if (t.worker !== w) {
    try {
      await queue.call('POST', `/v1/tasks/${encodeURIComponent(t.owner)}/${encodeURIComponent(t.task)}/claim`, { worker: w, lease_seconds: 14400 });
    } catch (e) {
      wrong(e.status ? e.message : 'Off line: a new task can be taken once you are back on line');
    }
    const work = await cached();
    for (const x of work.picks) if (x.task === t.task && x.owner === t.owner) x.worker = w;
    await db.put('work', work);
    t.worker = w;
  }
  return tote(go, t);
}

const tote = (go, t) => ({
  title: t.task, say: 'Scan your tote', html: `<div class="dim">${t.steps.length} steps of ${esc(t.order)}</div>`,
  take: code => go(() => step(go, t, clean(code))),
});

function step(go, t, into) {
  const all = t.steps.length, at = t.steps.findIndex(s => s.left > 0);
  if (at < 0) return { title: t.task, html: '<div class="big done">Done</div><div class="dim">Bring the tote to packing.</div>', take: () => go(menu), go: ['Go on', () => go(menu)] };
  const s = t.steps[at];
  let there = false, n = 0;
  const head = `<progress value="${at}" max="${all}" aria-label="steps done"></progress>`;
  const kept = async change => {
    const work = await cached();
    for (const x of work.picks) if (x.task === t.task && x.owner === t.owner) { change(x.steps[at]); Object.assign(t, x); }
    work.picks = work.picks.filter(x => x.steps.some(y => y.left > 0));
    return { work };
  };
  const base = async () => ({ worker: await worker(), owner: t.owner, task: t.task, step: s.no, place: s.place, tote: into });
  const show = () => ({
    title: `${t.task} · ${at + 1}/${all}`, say: there ? `Scan ${s.left} of` : 'Go to',
    html: there
      ? `${head}${described(s)}${lotOf(s)}${counter(n)}<div class="dim">of ${s.left}, from ${esc(s.place)} into ${esc(into)}</div>`
      : `${head}<div class="big">${esc(s.place)}</div>${described(s)}${lotOf(s)}<div class="dim">${s.left} to pick</div>`,
    add: d => (n = Math.min(s.left, Math.max(0, n + d))),
    take: async code => {
      if (!there) {
        const p = lpn(code);
        if (p !== s.place && p !== s.lpn) wrong(`This is ${p}. Go to ${s.place}`);
        there = true;
        return go(show);
      }
      if (/^\d{1,4}$/.test(code) && !units(code, s.codes)) {
        if (+code < 1 || +code > s.left) wrong(`There are ${s.left} to pick`);
        n = +code;
      } else {
        const u = units(code, s.codes);
        if (!u) wrong(`This is not ${s.item}`);
        if (n + u > s.left) wrong(`${s.left} are enough`);
        n += u;
        s.scanned = code;
      }
      return n === s.left ? done() : go(show);
    },
    go: there && n > 0 ? [`Into ${into}: ${n}`, () => done()] : undefined,
    buttons: there ? [['Short', () => go(short)]] : [['Other tote', () => go(() => tote(go, t))]],
  });
  const done = async () => {
    if (!s.scanned) wrong(`Scan ${s.item} once at least`);
    const scan = { ...await base(), do: 'pick', code: s.scanned, qty: n }, change = await kept(x => { x.left -= n; delete x.scanned; });
    await queue.scan(scan, change);
    return go(() => step(go, t, into));
  };
  const short = () => ({
    title: `Short of ${s.item}`, say: 'How many did you find?', html: `${described(s)}${counter(n)}<div class="dim">instead of ${s.left} at ${esc(s.place)}</div>`,
    add: d => (n = Math.min(s.left - 1, Math.max(0, n + d))),
    take: typed => (/^\d{1,4}$/.test(typed) && +typed < s.left ? (n = +typed, go(short)) : wrong(`A number below ${s.left}`)),
    go: ['Short', async () => {
      const scan = { ...await base(), do: 'short', qty: n, reason: 'not_found' }, change = await kept(x => { x.left = 0; delete x.scanned; });
      await queue.scan(scan, change);
      return go(() => step(go, t, into));
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
  if (left === 0) return { title: p.pack, html: '<div class="big done">Packed</div>', take: () => go(menu), go: ['Go on', () => go(menu)] };
  return {
    title: p.pack, say: put < left ? 'Scan what goes into the carton' : 'All is in: close the carton',
    html: `<div class="mid">${put} of ${left}</div>` + p.left.map(l => `<div class="card">${described(l)}<div class="dim">${l.qty - (l.put || 0)} left${l.tote ? ', tote ' + esc(l.tote) : ''}</div></div>`).join(''),
    take: code => {
      const l = p.left.find(x => units(code, x.codes) > 0);
      if (!l) wrong('This is not of order ' + p.order);
      const u = units(code, l.codes), free = p.left.find(x => units(code, x.codes) > 0 && x.qty - (x.put || 0) >= u);
      if (!free) wrong(`No more of ${l.item} belongs to it`);
      free.put = (free.put || 0) + u;
      const had = inside.find(c => c.code === clean(code));
      if (had) had.qty += u; else inside.push({ code: clean(code), qty: u });
      return go(() => pack(go, p, inside));
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
  return choose('Count', 'Nothing to count', work.counts.map(c => ({ name: c.place, note: c.item, go: () => go(() => count(go, c)) })));
}

function count(go, c) {
  let there = false, n = 0;
  const show = () => ({
    title: 'Count', say: there ? 'How many lie here?' : 'Go to',
    html: there ? `${described(c)}${lotOf(c)}${counter(n)}<div class="dim">at ${esc(c.place)}</div>` : `<div class="big">${esc(c.place)}</div>${described(c)}${lotOf(c)}`,
    add: d => (n = Math.max(0, n + d)),
    take: code => {
      if (!there) {
        if (lpn(code) !== c.place) wrong(`This is ${lpn(code)}. Go to ${c.place}`);
        there = true;
      } else if (units(code, c.codes)) n += units(code, c.codes);
      else if (/^\d{1,7}$/.test(code)) n = +code;
      else wrong(`This is not ${c.item}`);
      return go(show);
    },
    go: there ? ['That is all', async () => {
      const work = await cached();
      work.counts = work.counts.filter(x => x.count !== c.count);
      await queue.scan({ worker: await worker(), do: 'count', owner: c.owner, task: c.count, place: c.place, qty: n }, { work });
      return go(counts);
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
