/** `wal dump` and `wal verify`. Nothing is changed. */
import { EXIT } from '../errors.js'
import { note, print, printJson } from '../output.js'
import { decoded, inspect, recordJson, recordLine, walFolder } from '../wal-view.js'

interface WalFlags {
  readonly json?: boolean
}

export async function dump(dir: string, flags: WalFlags): Promise<number> {
  const { recovered, identity } = await inspect(walFolder(dir))
  if (flags.json !== true && identity !== null)
    note(`node ${identity.nodeId} of cluster ${identity.clusterId}, directory ${identity.uid}`)
  for (const record of recovered.records) {
    const { file, offset, batch, durableBatch, kind } = record
    const records = decoded(record)
    if (flags.json === true)
      printJson({ file, offset, batch, durableBatch, kind, records: records.map(recordJson) })
    else for (const one of records) print(`${file} ${offset} batch ${batch} ${recordLine(one)}`)
  }
  if (recovered.cut !== null) {
    const { file, offset, bytes, reason } = recovered.cut
    note(`a torn tail, as a crash leaves it: ${file} at byte ${offset}, ${bytes} bytes: ${reason}`)
  }
  return EXIT.ok
}

export async function verify(dir: string, flags: WalFlags): Promise<number> {
  const folder = walFolder(dir)
  const { recovered, identity } = await inspect(folder)
  for (const record of recovered.records) decoded(record)
  const summary = {
    dir: folder,
    node: identity?.nodeId ?? null,
    clusterId: identity?.clusterId ?? null,
    segments: recovered.segments.length,
    records: recovered.records.length,
    lastBatch: recovered.lastBatch,
    lastIndex: recovered.segments.at(-1)?.lastIndex ?? 0,
    tornBytes: recovered.cut?.bytes ?? 0,
  }
  if (flags.json === true) printJson(summary)
  else {
    const torn =
      recovered.cut === null ? '' : `, a torn tail of ${recovered.cut.bytes} bytes (harmless)`
    print(
      `OK: ${summary.segments} segments, ${summary.records} records, last index ${summary.lastIndex}${torn}`,
    )
  }
  return EXIT.ok
}
