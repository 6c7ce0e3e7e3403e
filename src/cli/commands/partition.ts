/**
 * `partition` and `heal`. Dropping is one-way by nature: a node drops what it would send. A cut between groups is
 * one call to each of their nodes.
 */
import type { Client } from '../../client/client.js'
import { type Answered, answered, lookAround, membersOf, type Seen } from '../cluster-view.js'
import { CliError, complain, EXIT, exitCodeOf, lineOf, usageError } from '../errors.js'
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
    requireAnswers(seen)
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
    const seen = await lookAround(client, flags)
    requireAnswers(seen)
    requireMembers(wanted, seen)
    const here = answered(seen).filter(
      ({ status }) => wanted.length === 0 || wanted.includes(status.name),
    )
    await setAll(client, here, () => [], flags)
    const reached = new Set(here.map(({ status }) => status.name))
    const all = wanted.length > 0 ? wanted : membersOf(seen)
    const left = all.filter((name) => !reached.has(name))
    if (reached.size > 0) print(`healed ${[...reached].sort().join(', ')}`)
    const faulty = here.filter(({ status }) => status.faults.length > 0)
    if (faulty.length > 0)
      note(
        `faults stay on ${faulty.map(({ status }) => status.name).join(', ')} (to end them: quorate fault clear)`,
      )
    if (left.length > 0)
      throw new CliError(
        EXIT.unavailable,
        `not reached: ${left.join(', ')}; a node that is down forgets its partition when it starts again`,
      )
  })
}

export function requireAnswers(seen: readonly Seen[]): void {
  if (answered(seen).length > 0) return
  throw new CliError(
    EXIT.unavailable,
    `no node answers at ${seen.map((one) => one.endpoint).join(', ')} (is the cluster running?)`,
  )
}

export function requireMembers(names: readonly string[], seen: readonly Seen[]): void {
  const members = membersOf(seen)
  const unknown = names.filter((name) => !members.includes(name))
  if (unknown.length > 0)
    throw usageError(
      `${unknown.join(', ')}: expected names of this cluster's nodes: ${members.join(', ')}`,
    )
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

/** Tells every node; if one refuses, the rest is told all the same, and the first refusal is what is reported. */
export async function tellAll(
  nodes: readonly Answered[],
  tell: (node: Answered) => Promise<void>,
): Promise<void> {
  const failures = await Promise.all(
    nodes.map(async (node) => {
      try {
        await tell(node)
        return null
      } catch (error) {
        return { name: node.status.name, endpoint: node.endpoint, error }
      }
    }),
  )
  const bad = failures.filter((failure) => failure !== null)
  const [first] = bad
  if (first === undefined) return
  const code = exitCodeOf(first.error)
  for (const { name, endpoint, error } of bad.slice(1))
    complain(`${name} (${endpoint}): ${lineOf(error)}`)
  const hint =
    code === EXIT.notPermitted
      ? '; start it with --enable-fault-injection, as quorate dev does'
      : ''
  throw new CliError(
    code,
    `${first.name} (${first.endpoint}) refused: ${lineOf(first.error)}${hint}`,
  )
}
