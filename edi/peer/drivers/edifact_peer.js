'use strict';
// Runs npm's edifact for package peer, which has the protocol.

const fs = require('fs');
const readline = require('readline');
const Parser = require('edifact/parser.js');

const seconds = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6; };
let held = null, text = '';

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [, length, path] = line.split('\t');
  if (path !== held) {
    held = path;
    text = fs.readFileSync(path, 'latin1');
  }
  const start = seconds();
  let passes = 0, segments = 0, elements = 0, failed = '';
  try {
    while (passes === 0 || seconds() - start < Number(length)) {
      segments = 0;
      const parser = new Parser();
      parser.encoding('UNOC');
      parser.on('opensegment', () => { segments++; });
      parser.on('component', (data) => { elements += data.length; });
      parser.write(text);
      parser.end();
      passes++;
    }
  } catch (e) {
    failed = String(e);
  }
  console.log(JSON.stringify({ bytes: passes * text.length, cpu: seconds() - start, segments, failed }));
});
