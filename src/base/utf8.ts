/** UTF-8, both ways; TextEncoder is not part of the language, so pure folders have their own. */

export function utf8Encode(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3)
  let at = 0
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i)
    if (code < 0x80) {
      out[at++] = code
      continue
    }
    if (code < 0x800) {
      out[at++] = 0xc0 | (code >> 6)
      out[at++] = 0x80 | (code & 0x3f)
      continue
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = i + 1 < text.length ? text.charCodeAt(i + 1) : 0
      if (code <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        i++
        out[at++] = 0xf0 | (code >> 18)
        out[at++] = 0x80 | ((code >> 12) & 0x3f)
        out[at++] = 0x80 | ((code >> 6) & 0x3f)
        out[at++] = 0x80 | (code & 0x3f)
        continue
      }
      code = 0xfffd // a lone surrogate
    }
    out[at++] = 0xe0 | (code >> 12)
    out[at++] = 0x80 | ((code >> 6) & 0x3f)
    out[at++] = 0x80 | (code & 0x3f)
  }
  return out.slice(0, at)
}

/** Decodes UTF-8; what is not valid becomes U+FFFD. */
export function utf8Decode(bytes: Uint8Array): string {
  let out = ''
  let i = 0
  while (i < bytes.length) {
    const first = bytes[i++] ?? 0
    if (first < 0x80) {
      out += String.fromCharCode(first)
      continue
    }
    const extra = first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0
    if (extra === 0 || first >= 0xf5) {
      out += '\ufffd'
      continue
    }
    let code = first & (0x3f >> extra)
    let read = 0
    while (read < extra && i < bytes.length && ((bytes[i] ?? 0) & 0xc0) === 0x80) {
      code = (code << 6) | ((bytes[i++] ?? 0) & 0x3f)
      read++
    }
    const least = extra === 1 ? 0x80 : extra === 2 ? 0x800 : 0x10000
    const valid =
      read === extra && code >= least && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    out += valid ? String.fromCodePoint(code) : '\ufffd'
  }
  return out
}
