// What all screens are made of. A screen is {title, say, html, take(code), pick(row), add(d), go, buttons}.
import { clean, serial, units } from './codes.js';

export const esc = s => String(s ?? '').replace(/[&<>"']/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }[c]));

class Wrong extends Error {}
export const wrong = text => { throw new Wrong(text); };
export const described = x => `<div class="mid">${esc(x.item)}</div>${x.description ? `<div class="dim">${esc(x.description)}</div>` : ''}`;
export const lotOf = x => (x.lot ? `<div class="dim">lot ${esc(x.lot)}</div>` : '');
export const counter = n => `<div class="qty"><button type="button" data-add="-1" aria-label="one less">&minus;</button><output id="qty">${n}</output><button type="button" data-add="1" aria-label="one more">+</button></div>`;
export const list = (rows, kind) => `<div class="list ${kind || ''}">${rows.map((r, i) => `<button type="button" data-row="${i}">${esc(r.name)}<small>${esc(r.note)}</small></button>`).join('')}</div>`;

export function choose(title, none, rows, more) {
  return {
    title, say: rows.length ? 'Choose, or scan' : none,
    html: list(rows),
    pick: i => rows[i].go(),
    take: code => (rows.find(r => r.name === clean(code)) || wrong('There is none called ' + clean(code))).go(),
    ...more,
  };
}

// ended says that something is done; then it goes on.
export const ended = (title, what, dim, on) => ({
  title, html: `<div class="big done">${esc(what)}</div><div class="dim">${esc(dim)}</div>`, take: on, go: ['Go on', on],
});

// serials asks for the serial numbers of so many units, those in has being told already, and hands
// the new ones to done.
export function serials(go, { title, goods, many, has, done, back }) {
  const got = [];
  const show = () => ({
    title, say: `Scan serial number ${has.length + got.length + 1}`,
    html: `${described(goods)}<div class="dim">${got.length} of ${many}</div>${got.map(s => `<div class="card">${esc(s)}</div>`).join('')}`,
    take: code => {
      const s = serial(code) || clean(code);
      if (units(code, goods.codes) && !serial(code)) wrong(`This is the code of ${goods.item}: scan the unit's serial number`);
      if (has.includes(s) || got.includes(s)) wrong(`${s} was scanned already`);
      got.push(s);
      return got.length === many ? done(got) : go(show);
    },
    buttons: [['No', back]],
  });
  return show();
}
