// A first look at what was scanned, so that a wrong item is told at once and off line. The hub
// reads the whole code and has the last word.
export function clean(code) {
  return code.replace(/[\r\n]+$/, '').replace(/^\][A-Za-z][0-9]/, '');
}

const key = s => /^(\d{8}|\d{12,14})$/.test(s) && s.padStart(14, '0');

// gtin is the 14 digits in a code, or ''.
export function gtin(code) {
  const s = clean(code);
  const in_ = s.match(/\((?:01|02)\)(\d{14})/) || s.match(/^(?:00\d{18})?(?:01|02)(\d{14})/) || s.match(/^https?:\/\/.*\/01\/(\d{8,14})(?:[/?]|$)/i);
  return in_ ? in_[1].padStart(14, '0') : key(s) || '';
}

// lpn is the SSCC in a code, or the code itself.
export function lpn(code) {
  const s = clean(code);
  const m = s.match(/\(00\)(\d{18})/) || s.match(/^00(\d{18})/) || s.match(/\/00\/(\d{18})/);
  return m ? m[1] : s;
}

// units is how many of an item one scan of the code is, or 0 where it is another item's.
export function units(code, codes) {
  const s = clean(code), g = gtin(code);
  for (const c of codes || []) {
    if (c.code === s || g && c.code === g) return c.qty || 1;
  }
  return 0;
}
