/** `wal dump` and `wal verify`. Nothing is changed. */
import { CliError, EXIT } from '../errors.js'
import { note, print, printJson } from '../output.js'
import { decoded, type Inspected, inspect, lostRecord, walFolder, wordsOf } from '../wal-view.js'

interface WalFlags {
  readonly json?: boolean
}

/** What is intact, also around damage. */
export async function dump(dir: string, flags: WalFlags): Promise<number> {
  const { recovered, identity, refusal } = await inspect(walFolder(dir))
  if (flags.json !== true && identity !== null)
    note(`node ${identity.nodeId} of cluster ${identity.clusterId}, directory ${identity.uid}`)
  const words = wordsOf(recovered.items)
  for (const item of recovered.items) {
    if (item.kind === 'lost') {
      const lost = lostRecord(item, words)
      if (flags.json === true) printJson({ kind: 'lost', records: [lost.json] })
      else print(`damaged: ${lost.line}`)
      continue
    }
    const { file, offset, batch, durableBatch, kind } = item
    const records = decoded(item, words)
    if (flags.json === true)
      printJson({
        file,
        offset,
        batch,
        durableBatch,
        kind,
        records: records.map(({ json }) => json),
      })
    else for (const { line } of records) print(`${file} ${offset} batch ${batch} ${line}`)
  }
  if (recovered.cut !== null) {
    const { file, offset, bytes, reason } = recovered.cut
    note(`a torn tail, as a crash leaves it: ${file} at byte ${offset}, ${bytes} bytes: ${reason}`)
  }
  for (const line of damageLines({ recovered, identity, refusal })) note(line)
  if (refusal !== null) throw new CliError(EXIT.dataRefused, refusal.message)
  return EXIT.ok
}

export async function verify(dir: string, flags: WalFlags): Promise<number> {
  const folder = walFolder(dir)
  const inspected = await inspect(folder)
  const { recovered, identity, refusal } = inspected
  const records = recovered.items.flatMap((item) => (item.kind === 'lost' ? [] : [item]))
  const words = wordsOf(recovered.items)
  for (const record of records) decoded(record, words)
  const { damage } = recovered
  const summary = {
    dir: folder,
    node: identity?.nodeId ?? null,
    clusterId: identity?.clusterId ?? null,
    protocol: words.protocol,
    segments: recovered.segments.length,
    records: records.length,
    lastBatch: recovered.lastBatch,
    lastIndex: recovered.segments.at(-1)?.lastIndex ?? 0,
    tornBytes: recovered.cut?.bytes ?? 0,
    damage: (damage?.stretches ?? []).map(({ file, offset, outcome, error }) => ({
      file,
      offset,
      outcome,
      problem: error.refusal.problem,
      entries: error.refusal.entries,
    })),
  }
  const lines = damageLines(inspected)
  if (flags.json === true) printJson(summary)
  else {
    const torn =
      recovered.cut === null ? '' : `, a torn tail of ${recovered.cut.bytes} bytes (harmless)`
    const what = `${summary.segments} segments, ${summary.records} records, last index ${summary.lastIndex}`
    if (damage === null) print(`OK: ${what}${torn}`)
    else print(`DAMAGED: ${what} intact${torn}`)
    for (const line of lines) print(line)
  }
  if (refusal !== null) throw new CliError(EXIT.dataRefused, refusal.message)
  return damage === null ? EXIT.ok : EXIT.dataRefused
}

const OUTCOMES = {
  lost: 'a node with peers starts and asks them for what is missing',
  harmless: 'nothing is missing',
  hopeless: 'cannot be healed: nothing behind it tells what was there',
} as const

function damageLines({ recovered }: Inspected): string[] {
  return (recovered.damage?.stretches ?? []).map(({ file, offset, outcome, error }) => {
    const { problem, entries } = error.refusal
    const which =
      entries === null ? '' : `, entries after ${entries.after} to ${entries.through ?? '?'}`
    return `damaged: ${file} at byte ${offset}: ${problem}${which}; ${OUTCOMES[outcome]}`
  })
}
