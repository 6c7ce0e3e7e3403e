/**
 * `fault network`, `fault byzantine` and `fault clear`: loss, delay, duplication and reordering of what nodes send to each other. Like a
 * partition it is one-way by nature, in memory only, and replaced as a whole.
 */
import type { Client } from '../../client/client.js'
import { EVERY_PEER, problemOf } from '../../faults/plan.js'
import type { TargetFaults } from '../../gen/quorate/v1/faults.js'
import { CliError, EXIT, usageError } from '../errors.js'
import { faultsText } from '../format/status.js'
import { findNodes, tellAll } from '../named-nodes.js'
import { print } from '../output.js'
import { type ClientFlags, withClient } from '../session.js'

interface FaultFlags extends ClientFlags {
  readonly to?: string
  readonly loss?: number
  /** ms */
  readonly delay?: number
  /** ms, on top of the delay */
  readonly jitter?: number
  readonly duplicate?: number
  readonly reorder?: number
  /** ms */
  readonly ttl?: number
}

/** What one node is told. Throws CliError when nothing is asked for. */
export function targetsOf(flags: Omit<FaultFlags, keyof ClientFlags>): TargetFaults[] {
  const delayMinMs = flags.delay ?? 0
  const faults = {
    loss: flags.loss ?? 0,
    duplication: flags.duplicate ?? 0,
    reorder: flags.reorder ?? 0,
    delayMinMs,
    delayMaxMs: delayMinMs + (flags.jitter ?? 0),
  }
  if (Object.values(faults).every((value) => value === 0))
    throw usageError(
      'fault network: expected some of --loss, --delay, --jitter, --duplicate and --reorder above 0 (to end faults: quorate fault clear)',
    )
  const names = namesIn(flags.to === undefined ? [] : [flags.to])
  if (flags.to !== undefined && names.length === 0)
    throw usageError('--to: expected names of nodes, such as n2,n3')
  const targets = (names.length === 0 ? [EVERY_PEER] : names).map((nodeId) => ({
    nodeId,
    ...faults,
  }))
  for (const target of targets) {
    const problem = problemOf(target)
    if (problem !== null) throw usageError(`fault network: ${problem}`)
  }
  return targets
}

export async function faultNetwork(texts: readonly string[], flags: FaultFlags): Promise<void> {
  const targets = targetsOf(flags)
  await onNodes(texts, flags, async (client, endpoint) => {
    const options = { ttlMs: flags.ttl ?? 0, timeoutMs: flags.commandTimeout }
    await client.setFaults(endpoint, targets, options)
    return `to ${faultsText(targets)}`
  })
}

export async function faultClear(texts: readonly string[], flags: ClientFlags): Promise<void> {
  await onNodes(texts, flags, async (client, endpoint) => {
    await client.setFaults(endpoint, [], { timeoutMs: flags.commandTimeout })
    return 'cleared'
  })
}

/** `fault byzantine n4 equivocate`; without a kind: what it does, and how often it did; `clear`: it is honest again. */
export async function faultByzantine(
  name: string,
  kinds: readonly string[],
  flags: ClientFlags,
): Promise<void> {
  const told = namesIn(kinds)
  await onNodes([name], flags, async (client, endpoint) => {
    const options = { timeoutMs: flags.commandTimeout }
    if (told.length > 0) {
      const wanted = told.length === 1 && told[0] === 'clear' ? [] : told
      await client.setByzantine(endpoint, wanted, options)
    }
    const acts = await client.byzantine(endpoint, options)
    if (acts.length === 0) return 'honest'
    return acts.map(({ kind, acted }) => `${kind} (acted ${acted} times)`).join(', ')
  })
}

/** On the named nodes, or all; prints what became of each. */
async function onNodes(
  texts: readonly string[],
  flags: ClientFlags,
  tell: (client: Client, endpoint: string) => Promise<string>,
): Promise<void> {
  const wanted = namesIn(texts)
  await withClient(flags, async (client) => {
    const { here, left } = await findNodes(client, wanted, flags)
    await tellAll(here, async ({ endpoint, status }) => {
      print(`${status.name}: ${await tell(client, endpoint)}`)
    })
    if (left.length > 0)
      throw new CliError(
        EXIT.unavailable,
        `not reached: ${left.join(', ')} (give every node's address with --endpoints; a node that is down forgets its faults when it starts again)`,
      )
  })
}

function namesIn(texts: readonly string[]): string[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ''))]
}
