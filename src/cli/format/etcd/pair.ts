/** A key and its value as etcdctl prints them with `-w simple`: a line each. */
import type { KeyValue } from '../../../gen/etcd/api/mvccpb/kv.js'
import { print, printBytes } from '../../output.js'

export interface HexFlag {
  /** Every byte as `\x61`. */
  readonly hex?: boolean
}

export function printPair(
  kv: Pick<KeyValue, 'key' | 'value'>,
  flags: HexFlag & { readonly printValueOnly?: boolean },
): void {
  for (const bytes of flags.printValueOnly === true ? [kv.value] : [kv.key, kv.value])
    if (flags.hex === true) print([...bytes].map(escaped).join(''))
    else printBytes(bytes)
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
