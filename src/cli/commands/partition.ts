/**
 * `partition` and `heal`. Dropping is one-way by nature: a node drops what it would send. A cut between groups is
 * one call to each of their nodes.
 */
import type { Client } from '../../client/client.js'
import { type Answered, answered, lookAround } from '../cluster-view.js'
import { CliError, EXIT, usageError } from '../errors.js'
import { findNodes, requireMembers, tellAll } from '../named-nodes.js'
import { note, print } from '../output.js'
import { type ClientFlags, withClient } from '../session.js'

interface PartitionFlags extends ClientFlags {
  readonly oneWay?: boolean
  /** ms */
  readonly ttl?: number
}

/** Whom each node is to block. Nodes in no group are not named: they keep all their links. */
export function plan(
  groups: readonly (readonly string[])[],
  oneWay: boolean,
): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, string[]>()
  for (const [i, group] of groups.entries()) {
    const others = groups.filter((_, j) => j !== i).flat()
    for (const name of group) blocks.set(name, oneWay && i > 0 ? [] : others)
  }
  return blocks
}

/** `['n1', 'n2,n3']` to groups of names. Throws CliError. */
export function parseGroups(texts: readonly string[]): string[][] {
  const groups = texts.map((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
  const names = groups.flat()
  if (groups.length < 2 || groups.some((group) => group.length === 0))
    throw usageError('partition: expected two groups or more, such as: quorate partition n1 n2,n3')
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw usageError(`partition: ${twice} is named twice`)
  return groups
}

export async function partition(texts: readonly string[], flags: PartitionFlags): Promise<void> {
  const groups = parseGroups(texts)
  const oneWay = flags.oneWay ?? false
  await withClient(flags, async (client) => {
    const seen = await lookAround(client, flags)
    requireMembers(groups.flat(), seen)
    const blocks = plan(groups, oneWay)
    const missing = [...blocks.keys()].filter(
      (name) => !answered(seen).some((one) => one.status.name === name),
    )
    await setAll(client, answered(seen), (name) => blocks.get(name) ?? [], flags)
    if (missing.length > 0)
      throw new CliError(
        EXIT.unavailable,
        `not reached, and so still sending to all: ${missing.join(', ')} (give every node's address with --endpoints)`,
      )
  })
  print(groups.map((group) => group.join(',')).join(oneWay ? ' -/-> ' : ' | '))
}

export async function heal(names: readonly string[], flags: ClientFlags): Promise<void> {
  const wanted = names.flatMap((text) => text.split(',')).filter((name) => name !== '')
  await withClient(flags, async (client) => {
    const { here, reached, left } = await findNodes(client, wanted, flags)
    await setAll(client, here, () => [], flags)
    if (reached.size > 0) print(`healed ${[...reached].sort().join(', ')}`)
    const faulty = here.filter(({ status }) => status.faults.length > 0)
    if (faulty.length > 0)
      note(
        `faults stay on ${faulty.map(({ status }) => status.name).join(', ')} (to end them: quorate fault clear)`,
      )
    if (left.length > 0)
      throw new CliError(
        EXIT.unavailable,
        `not reached: ${left.join(', ')} (give every node's address with --endpoints; a node that is down forgets its partition when it starts again)`,
      )
  })
}

async function setAll(
  client: Client,
  nodes: readonly Answered[],
  blockedBy: (name: string) => readonly string[],
  flags: PartitionFlags,
): Promise<void> {
  const options = { ttlMs: flags.ttl ?? 0, timeoutMs: flags.commandTimeout }
  await tellAll(nodes, async ({ endpoint, status }) => {
    await client.setPartition(endpoint, blockedBy(status.name), options)
  })
}
