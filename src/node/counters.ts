/** What a node's parts count, under the names that `status` and metrics show. */
export interface Counted {
  readonly peers: ReadonlyMap<string, number> | undefined
  readonly log: Readonly<Record<'syncs' | 'bytes' | 'segments', number>>
  readonly parts: ReadonlyMap<string, number> | undefined
  readonly signatures: object | undefined
}

export function countersOf({ peers, log, parts, signatures }: Counted): Map<string, number> {
  const counters = new Map([...(peers ?? []), ...(parts ?? [])])
  for (const [name, value] of Object.entries(log)) counters.set(`wal_${name}`, value)
  for (const [name, value] of Object.entries(signatures ?? {}))
    if (typeof value === 'number') counters.set(`signatures_${name}`, value)
  return counters
}
