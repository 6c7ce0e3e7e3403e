/** What the chunks of a store begin with: read by whoever restores one, written by whoever takes a snapshot. */
import { utf8Encode } from '../../base/utf8.js'

export const MAGIC = utf8Encode('QKV2')

/** First byte of a chunk, in the order in which they come. */
export const CHUNK = { HEADER: 1, BASE: 2, EVENTS: 3, LEASES: 4, ALARMS: 5, END: 6 } as const

export const FLAG_DELETED = 1
export const FLAG_LEASE = 2
