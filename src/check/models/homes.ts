/**
 * Where values grow, what was read tells where each append was: a text that only one row of pieces makes up, with
 * each piece from one append alone, leaves its appends no other place.
 */
export interface Pieces {
  /** By piece: the appends that bring it. */
  readonly appends: ReadonlyMap<string, readonly number[]>
  /** The texts that writes bring, without the opening mark. */
  readonly written: ReadonlySet<string>
}

export interface Homes {
  /** By append: the text that it makes, with all that is before it. */
  readonly homes: ReadonlyMap<number, string>
  /** A text that no row of pieces makes up, and an append that texts show in two places; null when there is none. */
  readonly impossible: string | null
  readonly torn: { readonly op: number; readonly texts: readonly [string, string] } | null
}

/** `texts` without their opening mark; of those that begin with each other only the longest. */
export function findHomes(texts: readonly string[], pieces: Pieces): Homes {
  const homes = new Map<number, string>()
  const shownBy = new Map<number, string>()
  const lengths = [...new Set([...pieces.appends.keys()].map((piece) => piece.length))]
  for (const text of texts) {
    const row = onlyRow(text, pieces, lengths)
    if (row === null) return { homes, impossible: text, torn: null }
    for (const { from, to } of row === 'many' ? [] : row) {
      const ops =
        from === 0 && pieces.written.has(text.slice(0, to))
          ? []
          : (pieces.appends.get(text.slice(from, to)) ?? [])
      const [op] = ops
      if (op === undefined || ops.length > 1) continue
      const home = text.slice(0, to)
      const other = homes.get(op)
      if (other !== undefined && other !== home) {
        const texts = [shownBy.get(op) ?? text, text] as const
        return { homes, impossible: null, torn: { op, texts } }
      }
      homes.set(op, home)
      shownBy.set(op, text)
    }
  }
  return { homes, impossible: null, torn: null }
}

type Row = { readonly from: number; readonly to: number }[]

/** The only row of pieces that makes up the text; null when there is none. */
function onlyRow(
  text: string,
  { appends, written }: Pieces,
  lengths: readonly number[],
): Row | 'many' | null {
  const reached = new Uint8Array(text.length + 1)
  reached[0] = 1
  const edges: Row = []
  for (const start of written)
    if (start !== '' && text.startsWith(start)) {
      reached[start.length] = 1
      edges.push({ from: 0, to: start.length })
    }
  for (let at = 0; at < text.length; at++) {
    if (reached[at] === 0) continue
    for (const length of lengths) {
      if (length === 0 || at + length > text.length || !appends.has(text.slice(at, at + length)))
        continue
      reached[at + length] = 1
      edges.push({ from: at, to: at + length })
    }
  }
  if (reached[text.length] === 0) return null
  // Back from the end: only edges that lead there count.
  const leads = new Uint8Array(text.length + 1)
  leads[text.length] = 1
  const row: Row = []
  for (const edge of edges.sort((a, b) => b.from - a.from || b.to - a.to)) {
    if (leads[edge.to] === 0) continue
    if (leads[edge.from] === 1) return 'many'
    leads[edge.from] = 1
    row.push(edge)
  }
  return row
}
