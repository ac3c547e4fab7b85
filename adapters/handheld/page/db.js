// What the device must not forget: who it is, how far it has counted, what is not sent yet, what
// was refused, and the work that it was given. A scan and its number are one transaction.
const open = new Promise((done, fail) => {
  const r = indexedDB.open('paklog-scan', 1);
  r.onupgradeneeded = () => {
    r.result.createObjectStore('meta');
    r.result.createObjectStore('queue', { keyPath: 'seq' });
    r.result.createObjectStore('refused', { keyPath: 'seq' });
  };
  r.onsuccess = () => done(r.result);
  r.onerror = () => fail(r.error);
});

// run does its work in one transaction and returns once that is on disk.
async function run(stores, mode, work) {
  const db = await open;
  return new Promise((done, fail) => {
    const tx = db.transaction(stores, mode, { durability: 'strict' });
    let out;
    tx.oncomplete = () => done(out);
    tx.onabort = tx.onerror = () => fail(tx.error || new Error('the store of this device refuses'));
    work(tx, v => { out = v; });
  });
}

export const get = key => run(['meta'], 'readonly', (tx, out) => {
  const r = tx.objectStore('meta').get(key);
  r.onsuccess = () => out(r.result);
});

export const put = (key, value) => run(['meta'], 'readwrite', tx => { tx.objectStore('meta').put(value, key); });

// add numbers a scan and keeps it, and what else changes with it, as one.
export const add = (scan, alongside) => run(['meta', 'queue'], 'readwrite', (tx, out) => {
  const meta = tx.objectStore('meta');
  const r = meta.get('seq');
  r.onsuccess = () => {
    const seq = (r.result || 0) + 1;
    meta.put(seq, 'seq');
    for (const [key, value] of Object.entries(alongside || {})) meta.put(value, key);
    tx.objectStore('queue').add({ seq, at: new Date().toISOString(), ...scan });
    out(seq);
  };
});

export const waiting = limit => run(['queue'], 'readonly', (tx, out) => {
  const r = tx.objectStore('queue').getAll(null, limit);
  r.onsuccess = () => out(r.result);
});

export const howMany = () => run(['queue'], 'readonly', (tx, out) => {
  const r = tx.objectStore('queue').count();
  r.onsuccess = () => out(r.result);
});

// settle forgets scans that were answered, and keeps what was refused until somebody has seen it.
export const settle = answers => run(['queue', 'refused'], 'readwrite', tx => {
  const queue = tx.objectStore('queue');
  for (const a of answers) {
    if (a.result === 'refused' || a.result === 'invalid') {
      const r = queue.get(a.seq);
      r.onsuccess = () => {
        if (r.result) tx.objectStore('refused').put({ ...r.result, why: a.why, where: a.where, result: a.result });
        queue.delete(a.seq);
      };
    } else queue.delete(a.seq);
  }
});

export const refused = () => run(['refused'], 'readonly', (tx, out) => {
  const r = tx.objectStore('refused').getAll();
  r.onsuccess = () => out(r.result);
});

export const seen = seq => run(['refused'], 'readwrite', tx => { tx.objectStore('refused').delete(seq); });

// enrolled takes a new identity: its scans are counted from 1.
export const enrolled = (device, token) => run(['meta', 'queue', 'refused'], 'readwrite', tx => {
  const meta = tx.objectStore('meta');
  const r = meta.get('device');
  r.onsuccess = () => {
    if (r.result !== device) {
      meta.put(0, 'seq');
      tx.objectStore('queue').clear();
      tx.objectStore('refused').clear();
    }
    meta.put(device, 'device');
    meta.put(token, 'token');
  };
});
