// Goods that are put away and pick faces that are filled: from where they lie to where they belong.
import * as queue from './queue.js';
import { clean, lpn, units } from './codes.js';
import { choose, counter, described, ended, esc, lotOf, wrong } from './screen.js';
import { cached, claim, refresh, same, stands, worker } from './work.js';
import { menu } from './steps.js';

const titles = { putaway: 'Put away', replenish: 'Replenish' };
const nothing = { putaway: 'Nothing to put away', replenish: 'Nothing to replenish' };
const whatOf = t => t.steps[0].lpn || t.steps[0].item;
const isOf = (s, code) => (s.lpn ? lpn(code) === s.lpn : units(code, s.codes) > 0);

// moves lists the work of a kind; what is scanned finds its task.
export const moves = kind => async go => {
  const work = await refresh(), mine = work.moves.filter(m => m.kind === kind);
  const begin = async t => { await claim('moves', t); return go(() => fetching(go, t, moves(kind))); };
  return choose(titles[kind], nothing[kind], mine.map(t => ({ name: whatOf(t), note: `${t.steps[0].place} → ${t.to}`, go: () => begin(t) })), {
    take: code => begin(mine.find(t => t.task === clean(code) || t.steps.some(s => isOf(s, code))) || wrong('Nothing of it waits: ' + clean(code))),
  });
};

// fetching takes the goods of one step after the other; those of an LPN at once.
export function fetching(go, t, on) {
  const had = [];
  const whole = t.steps[0].lpn && t.kind === 'putaway';
  const step = () => {
    const s = t.steps[had.length];
    if (!s || whole && had.length) return bring();
    let there = false, n = 0, code;
    const show = () => ({
      title: titles[t.kind], say: !there ? 'Go to' : s.lpn ? `Scan ${s.lpn}` : `Scan ${s.left} of`,
      html: (there ? '' : `<div class="big">${esc(s.place)}</div>`) + described(s) + lotOf(s) +
        (whole ? `<div class="dim">all on ${esc(s.lpn)}</div>` : there && n > 0 ? counter(n) : '') + `<div class="dim">${s.left} to ${esc(t.to)}</div>`,
      add: d => (n = Math.min(s.left, Math.max(0, n + d))),
      take: async scanned => {
        if (!there) {
          if (lpn(scanned) !== s.place && lpn(scanned) !== s.lpn) wrong(`This is ${lpn(scanned)}. Go to ${s.place}`);
          there = true;
          await stands(s.place);
          // The label of what stands there says both.
          if (lpn(scanned) !== s.lpn) return go(show);
        }
        if (code && /^\d{1,6}$/.test(scanned)) {
          if (+scanned > s.left) wrong(`${s.left} are enough`);
          n = +scanned;
          return go(show);
        }
        if (!isOf(s, scanned)) wrong(`This is not ${s.lpn || s.item}`);
        code = scanned;
        n = s.left;
        return s.lpn ? took() : go(show);
      },
      go: code ? [`Take ${n}`, () => took()] : undefined,
      buttons: there && t.kind === 'replenish' ? [['Nothing here', () => { n = 0; return took(); }]] : [],
    });
    const took = () => { had.push({ n, code }); return go(step); };
    return show();
  };
  const bring = () => {
    const n = whole ? t.steps.reduce((sum, s) => sum + s.left, 0) : had.reduce((sum, h) => sum + h.n, 0);
    const send = async (place, reason) => {
      const scan = { worker: await worker(), do: 'move', owner: t.owner, task: t.task, place, ...(reason && { reason }) }, code = had.find(h => h.code)?.code;
      if (code) scan.code = code;
      if (t.kind === 'replenish') scan.moved = had.map(h => h.n);
      else if (!whole && n < t.steps[0].left) scan.qty = n;
      const work = await cached();
      work.moves = work.moves.filter(x => !same(x, t));
      await queue.scan(scan, { work });
      await stands(place);
      return go(() => ended(titles[t.kind], 'Done', `${n} at ${place}`, () => go(on)));
    };
    const why = place => ({
      title: `${place}, not ${t.to}`, say: 'Why does it lie there?',
      html: '<div class="dim">Choose, or type the reason.</div>',
      take: reason => send(place, reason),
      buttons: [['It is full', () => send(place, 'full')], ['It is blocked', () => send(place, 'blocked')], ['No', () => go(bring)]],
    });
    return {
      title: titles[t.kind], say: 'Bring to', html: `<div class="big">${esc(t.to)}</div>${described(t.steps[0])}<div class="dim">${n} of it</div>`,
      take: code => {
        const place = lpn(code);
        if (place === t.to) return send(place);
        if (t.kind === 'replenish') wrong(`This is ${place}. Bring it to ${t.to}`);
        return go(() => why(place));
      },
    };
  };
  return t.steps.length ? step() : menu(go);
}
