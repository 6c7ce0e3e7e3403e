/** `submit`: raw bytes for a state machine of one's own. */
import { fromHex, toHex } from '../../base/bytes.js'
import { utf8Encode } from '../../base/utf8.js'
import { usageError } from '../errors.js'
import { bytesJson } from '../format/pairs.js'
import { print, printBytes, printJson } from '../output.js'
import { type ClientFlags, readStdin, withSubmitter } from '../session.js'
import { consistencyOf } from './kv.js'

interface SubmitFlags extends ClientFlags {
  readonly hex?: boolean
  readonly query?: boolean
  readonly consistency: string
  readonly json?: boolean
}

export async function submit(text: string, flags: SubmitFlags): Promise<void> {
  const bytes = await bytesOf(text, flags.hex === true)
  const consistency = consistencyOf(flags.consistency)
  const answer = await withSubmitter(flags, (client) =>
    flags.query === true ? client.query(bytes, { consistency }) : client.submit(bytes),
  )
  if (flags.json === true) printJson({ ...bytesJson('answer', answer), answerHex: toHex(answer) })
  else if (flags.hex === true) print(toHex(answer))
  else printBytes(answer)
}

async function bytesOf(text: string, hex: boolean): Promise<Uint8Array> {
  if (text === '-') return await readStdin()
  if (!hex) return utf8Encode(text)
  const bytes = fromHex(text)
  if (bytes === null)
    throw usageError(`--hex: expected pairs of hex digits, got ${JSON.stringify(text)}`)
  return bytes
}
