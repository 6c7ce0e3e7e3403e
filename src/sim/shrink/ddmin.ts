/** Delta debugging (Zeller and Hildebrandt, 2002): a smaller list that still fails, found by leaving parts out. */

/** `fails` says whether the list still does; it may say no because nobody wants to know any more. */
export function ddmin<T>(all: readonly T[], fails: (some: readonly T[]) => boolean): readonly T[] {
  if (all.length === 0 || fails([])) return []
  let kept = all
  let parts = 2
  while (kept.length >= 2) {
    const without = someComplement(kept, parts, fails)
    if (without !== null) {
      kept = without
      parts = Math.max(2, parts - 1)
    } else if (parts >= kept.length) break
    else parts = Math.min(kept.length, 2 * parts)
  }
  return kept
}

function someComplement<T>(
  kept: readonly T[],
  parts: number,
  fails: (some: readonly T[]) => boolean,
): readonly T[] | null {
  for (let part = parts - 1; part >= 0; part--) {
    const from = Math.floor((part * kept.length) / parts)
    const to = Math.floor(((part + 1) * kept.length) / parts)
    const without = [...kept.slice(0, from), ...kept.slice(to)]
    if (fails(without)) return without
  }
  return null
}
