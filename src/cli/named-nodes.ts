/** The nodes that a command names, or all of them: who of them answers, and telling each the same. */
import type { Client } from '../client/client.js'
import { type Answered, answered, lookAround, membersOf, type Seen } from './cluster-view.js'
import { CliError, complain, EXIT, exitCodeOf, lineOf, usageError } from './errors.js'
import type { ClientFlags } from './session.js'

/** Of the nodes that were named. */
interface Found {
  readonly here: readonly Answered[]
  /** Their names. */
  readonly reached: ReadonlySet<string>
  /** Names of those who do not answer. */
  readonly left: readonly string[]
}

/** `names` empty: all. Throws CliError when nobody answers, or one of them is no member. */
export async function findNodes(
  client: Client,
  names: readonly string[],
  flags: ClientFlags,
): Promise<Found> {
  const seen = await lookAround(client, flags)
  requireMembers(names, seen)
  const here = answered(seen).filter(
    ({ status }) => names.length === 0 || names.includes(status.name),
  )
  const reached = new Set(here.map(({ status }) => status.name))
  const all = names.length > 0 ? names : membersOf(seen)
  return { here, reached, left: all.filter((name) => !reached.has(name)) }
}

/** Throws CliError when nobody answers, or one of them is no member. */
export function requireMembers(names: readonly string[], seen: readonly Seen[]): void {
  if (answered(seen).length === 0)
    throw new CliError(
      EXIT.unavailable,
      `no node answers at ${seen.map((one) => one.endpoint).join(', ')} (is the cluster running?)`,
    )
  const members = membersOf(seen)
  const unknown = names.filter((name) => !members.includes(name))
  if (unknown.length > 0)
    throw usageError(
      `${unknown.join(', ')}: expected names of this cluster's nodes: ${members.join(', ')}`,
    )
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
