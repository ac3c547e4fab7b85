// Replays of many letters.
import { facts, h, link, num, press, table, tag, to, when } from './dom.js';
import { get, post } from './api.js';

export async function replays() {
  const list = (await get('/v1/replays')).items;
  return { body: [h('h1', null, 'Replays'), table(['Replay', 'State', 'Why', { t: 'Letters', n: 1 }, { t: 'Done', n: 1 }, { t: 'Failed', n: 1 }, 'By', 'Planned'], list.map(o => h('tr', null, h('td', null, link(to('replay', o.id), o.id)), h('td', null, tag(o.state)), h('td', { class: 'wrap' }, o.reason), num(o.plan.letters), num(o.progress.resolved), num(o.progress.failed), h('td', null, o.author), h('td', null, when(o.created)))), 'None yet: plan one from a group, or from a search of letters.')] };
}

const verbs = { waiting: ['approve', 'cancel'], planned: ['start', 'cancel'], running: ['pause', 'cancel'], paused: ['resume', 'cancel'], stopped: ['resume', 'cancel'] };
const names = { approve: 'Approve', start: 'Start it', pause: 'Pause', resume: 'Go on', cancel: 'Cancel' };

export async function replay({ rest, again }) {
  const path = '/v1/replays/' + encodeURIComponent(rest[0]);
  const [first, page] = await Promise.all([get(path), get(path + '/letters?limit=100')]);
  const head = h('div', { 'aria-live': 'polite' });
  let was = '';
  const draw = o => {
    const now = JSON.stringify(o);
    if (now === was) return;
    was = now;
    const done = o.progress.resolved + o.progress.failed + o.progress.others;
    head.replaceChildren(h('h1', null, 'Replay ' + o.id, ' ', tag(o.state)), ...(o.why ? [h('p', { role: 'alert' }, o.why)] : []),
      h('progress', { max: o.plan.letters || 1, value: done, 'aria-label': `${done} of ${o.plan.letters} letters are done` }),
      facts([['progress', `${done} of ${o.plan.letters}: ${o.progress.resolved} went through, ${o.progress.failed} failed again, ${o.progress.others} were taken by others`],
        ['dry run', `${o.plan.fresh} did nothing outside yet, ${o.plan.confirmed} did something that is not done again, ${o.plan.unknown} have an unknown outcome that is asked for first; ${o.plan.skipped} were left out`],
        ['pace', `steps of ${o.ramp.join(', ')}${o.rate ? `, at most ${o.rate} a second` : ''}; stops at ${o.stop_at} % failed or at a failure of another kind`], ['reason', o.reason], ['by', o.author], ['second person', o.approval ? o.approver || 'needed: more letters than one person may replay' : 'not needed'], ['started', o.started && when(o.started)], ['ended', o.ended && when(o.ended)]]),
      h('div', { class: 'bar' }, (verbs[o.state] || []).map(v => press(names[v], async () => draw(await post(`${path}/${v}`)), v === 'cancel' ? 'bad' : 'main'))));
  };
  draw(first);
  return {
    body: [head, h('h2', null, 'Letters, in the order in which they leave'), table(['Letter', 'Outcome', 'Key', 'Done outside', { t: 'Wait behind', n: 1 }, 'Cause'], page.items.map(l => h('tr', null, h('td', null, link(to('letter', l.id), l.id)), h('td', null, tag(l.outcome, l.outcome === 'failed' ? 'bad' : l.outcome)), h('td', { class: 'wrap' }, l.key || ''), h('td', null, (l.effects || []).map(e => [tag(e.state), ' ', e.ref, ' ']), l.effects?.length ? '' : 'nothing yet'), num(l.behind || 0), h('td', { class: 'wrap' }, l.cause)))), page.next ? h('p', { class: 'dim' }, 'The first 100 are shown.') : null],
    pulse: async p => {
      const o = p.replays.find(x => x.id === rest[0]);
      if (o) draw(o);
      else if (!was.includes('"state":"done"') && !was.includes('"state":"cancelled"')) { draw(await get(path)); }
    },
  };
}
