// The hub says what a worker does next: the most urgent, the nearest of those, and what he may do.
import * as db from './db.js';
import * as queue from './queue.js';
import { choose, esc, wrong } from './screen.js';
import { refresh, stands, worker } from './work.js';
import { count, menu, tote } from './steps.js';
import { fetching } from './moves.js';

const rest = ms => new Promise(r => setTimeout(r, ms));

export async function next(go) {
  if (!(await queue.drained())) wrong('Scans wait to be sent: your next task can be told once you are back on line');
  const ask = place => queue.call('POST', '/v1/tasks/next', { worker: who, lease_seconds: 14400, ...(place && { location: place }) });
  const who = await worker(), place = await db.get('stands');
  let got;
  try {
    got = await ask(place);
  } catch (e) {
    if (!e.status) wrong('Off line: your next task can be told once you are back on line');
    if (!e.data?.errors?.some(x => x.place === 'location')) throw e;
    await stands('');
    got = await ask();
  }
  if (!got.task) return { title: 'Next task', say: 'Nothing to do now', take: () => go(next), go: ['Ask again', () => go(next)] };
  const found = await work(got.task.head);
  if (!found) return { title: 'Next task', say: `${got.task.head.task} is being prepared`, take: () => go(next), go: ['Ask again', () => go(next)] };
  const begin = async go => {
    const first = await found(go);
    return { ...first, buttons: [...(first.buttons || []), ['Give it back', () => go(giveBack(got.task))]] };
  };
  if (!got.taken_back) return begin(go);
  const b = got.taken_back;
  return {
    title: 'Next task', say: 'Something is more urgent',
    html: `<div class="mid">${esc(b.task)}</div><div class="dim">was taken back for ${esc(b.for)}: ${esc(b.reason)}. It goes on later where you left it.</div>`,
    take: () => go(begin), go: ['Go on', () => go(begin)],
  };
}

// giveBack leaves a task to others, who see why.
const giveBack = t => go => choose('Give it back', '', [['It is blocked', 'blocked'], ['It is too heavy', 'too_heavy'], ['I lack the equipment', 'no_equipment'], ['I am called away', 'called_away']].map(([name, reason]) => ({
  name, note: '', go: async () => {
    const { owner, task, facility } = t.head;
    await queue.call('POST', `/v1/tasks/${encodeURIComponent(owner)}/${encodeURIComponent(task)}/release?facility=${encodeURIComponent(facility)}`, { worker: t.worker, claim: t.claims, reason });
    return go(next);
  },
})));

// work is how to go through a task that was given; what is listed may be a moment behind.
async function work(t) {
  for (let i = 0; i < 20; i++) {
    const list = await refresh(), is = x => x.task === t.task && x.owner === t.owner;
    const pick = list.picks.find(is), move = list.moves.find(is), look = list.counts.find(is);
    if (pick) return go => tote(go, pick, next);
    if (move) return go => fetching(go, move, next);
    if (look) return go => count(go, look, next);
    await rest(150);
  }
  return null;
}
