// What there is to do, as the hub said it last, and what this device has done since.
import * as db from './db.js';
import * as queue from './queue.js';
import { wrong } from './screen.js';

export const worker = () => db.get('worker');
export const cached = async () => ({ picks: [], puts: [], packs: [], counts: [], moves: [], receipts: [], ...(await db.get('work')) });
export const same = (a, b) => a.task === b.task && a.owner === b.owner;

// stands keeps where the worker is; next work is looked for near there.
export const stands = place => db.put('stands', place);

// refresh fetches what there is to do. While scans wait to be sent the hub knows less than we.
export async function refresh() {
  if (await db.howMany() > 0) return cached();
  try {
    const work = await queue.call('GET', '/v1/scans/work?worker=' + encodeURIComponent(await worker()));
    if (await db.howMany() === 0) await db.put('work', work);
  } catch (e) {
    if (e.status === 401) throw e;
  }
  return cached();
}

// claim takes a task of one of the lists, so that nobody else does it.
export async function claim(kind, t) {
  const w = await worker();
  if (t.worker === w) return;
  try {
    await queue.call('POST', `/v1/tasks/${encodeURIComponent(t.owner)}/${encodeURIComponent(t.task)}/claim`, { worker: w, lease_seconds: 14400 });
  } catch (e) {
    wrong(e.status ? e.message : 'Off line: a new task can be taken once you are back on line');
  }
  const work = await cached();
  for (const x of work[kind]) if (same(x, t)) x.worker = w;
  await db.put('work', work);
  t.worker = w;
}
