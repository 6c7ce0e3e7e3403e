/** Every kind of strike that the nemesis knows. */
import { CLIENTS } from './clients.js'
import { CLOCKS } from './clocks.js'
import { CORRUPTIONS } from './corruption.js'
import { DISKS } from './disks.js'
import { IDENTITIES } from './identity.js'
import { LINKS } from './links.js'
import { MACHINES } from './machines.js'
import { AT_MOMENTS } from './moments.js'
import { PARTITIONS } from './partitions.js'
import { PROCESSES } from './processes.js'
import type { StrikeKind } from './strike.js'

export const STRIKE_KINDS: readonly StrikeKind[] = [
  ...PARTITIONS,
  ...LINKS,
  ...PROCESSES,
  ...DISKS,
  ...CORRUPTIONS,
  ...IDENTITIES,
  ...CLOCKS,
  ...CLIENTS,
  ...MACHINES,
  ...AT_MOMENTS,
]
