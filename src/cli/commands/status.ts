/** `status`. */
import { answered, lookAround } from '../cluster-view.js'
import { complain, EXIT } from '../errors.js'
import { statusJson, statusTable } from '../format/status.js'
import { suspicionLines } from '../format/status-pbft.js'
import { table } from '../format/table.js'
import { print, printJson } from '../output.js'
import { type ClientFlags, withClient } from '../session.js'

interface StatusFlags extends ClientFlags {
  readonly json?: boolean
}

/** Exit 0 if any node answered. */
export async function status(flags: StatusFlags): Promise<number> {
  const seen = await withClient(flags, (client) => lookAround(client, flags))
  if (flags.json === true) printJson(statusJson(seen))
  else {
    const { head, rows } = statusTable(seen)
    print(table(head, rows))
    for (const line of suspicionLines(seen)) print(line)
  }
  if (answered(seen).length > 0) return EXIT.ok
  const endpoints = seen.map((one) => one.endpoint).join(', ')
  complain(
    `no node answers at ${endpoints} (is the cluster running? start one with: quorate dev, or name it with --endpoints)`,
  )
  return EXIT.unavailable
}
