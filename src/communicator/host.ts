/** What the parts of one communicator share. */
import type { RandomState } from '../base/random.js'
import type { Counters } from './counters.js'
import type { Door } from './door.js'
import type { Members } from './handshake.js'
import type { ChangeLog } from './log.js'
import type { CommunicatorLimits, CommunicatorOptions, Identity } from './types.js'

export interface Host {
  readonly identity: Identity
  readonly members: Members
  readonly limits: CommunicatorLimits
  readonly counters: Counters
  readonly door: Door
  readonly random: RandomState
  readonly log: ChangeLog
  readonly options: CommunicatorOptions
  /** Both change while the communicator lives. */
  bootstrap: Uint8Array
  formed: boolean
}
