// A first look at what was scanned, so that a wrong item is told at once and off line. The hub
// reads the whole code and has the last word.
export function clean(code) {
  return code.replace(/[\r\n]+$/, '').replace(/^\][A-Za-z][0-9]/, '');
}

const digits = s => /^(\d{8}|\d{12,14})$/.test(s) && s.padStart(14, '0');

// gtin is the 14 digits in a code, or ''.
export function gtin(code) {
  const s = clean(code);
  const in_ = s.match(/\((?:01|02)\)(\d{14})/) || s.match(/^(?:00\d{18})?(?:01|02)(\d{14})/) || s.match(/^https?:\/\/.*\/01\/(\d{8,14})(?:[/?]|$)/i);
  return in_ ? in_[1].padStart(14, '0') : digits(s) || '';
}

// key is what goods are known by: their GTIN, or the code itself.
export const key = code => gtin(code) || clean(code);

// serial is the serial number in a code of goods (application identifier 21), or ''.
export function serial(code) {
  const s = clean(code), in_ = s.match(/\(21\)([^(\x1d]{1,20})/) || s.match(/^https?:\/\/.*\/21\/([^/?#]{1,20})/i);
  if (in_) return decodeURIComponent(in_[1]);
  // Of an element string each part of fixed length is stepped over, any other ends at a separator.
  const fixed = { '00': 18, '01': 14, '02': 14, 11: 6, 12: 6, 13: 6, 15: 6, 16: 6, 17: 6, 20: 2 };
  for (let rest = /^0[12]\d{14}/.test(s) ? s : ''; rest; ) {
    const ai = rest.slice(0, 2);
    if (ai === '21') return rest.slice(2).split('\x1d')[0];
    if (fixed[ai]) rest = rest.slice(2 + fixed[ai]).replace(/^\x1d/, '');
    else rest = rest.includes('\x1d') ? rest.slice(rest.indexOf('\x1d') + 1) : '';
  }
  return '';
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
