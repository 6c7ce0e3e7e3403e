/** `lease`: etcdctl's verbs and output. */
import type { LeaseKeepAliveResponse } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { CliError, EXIT, usageError } from '../errors.js'
import { headerLines } from '../format/etcd/fields.js'
import { base64, headerFields } from '../format/etcd/json.js'
import { type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { print } from '../output.js'
import { leaseIdOf, leaseText } from '../parse/lease-id.js'
import { type ClientFlags, withEtcd } from '../session.js'

type Flags = ClientFlags & WriteOutFlag

export async function grant(ttl: string, flags: Flags): Promise<void> {
  const seconds = Number(ttl)
  if (!/^-?[0-9]+$/.test(ttl) || !Number.isSafeInteger(seconds))
    throw usageError(`lease grant: expected whole seconds, got ${JSON.stringify(ttl)}`)
  const granted = await withEtcd(flags, (client) => client.grant(seconds))
  const { header, ID, TTL, error } = granted
  writeOut(flags, {
    simple: () => print(`lease ${leaseText(ID)} granted with TTL(${TTL}s)`),
    json: () => ({ ...headerFields(header), ID: BigInt(ID), TTL, Error: error }),
    fields: () => [...headerLines(header), ['ID', ID], ['TTL', TTL]],
  })
}

export async function revoke(text: string, flags: Flags): Promise<void> {
  const id = leaseIdOf(text, 'lease revoke')
  const { header } = await withEtcd(flags, (client) => client.revoke(id))
  writeOut(flags, {
    simple: () => print(`lease ${leaseText(id)} revoked`),
    json: () => ({ header: headerFields(header) }),
    fields: () => headerLines(header),
  })
}

export async function timeToLive(
  text: string,
  flags: Flags & { readonly keys?: boolean },
): Promise<void> {
  const id = leaseIdOf(text, 'lease timetolive')
  const withKeys = flags.keys ?? false
  const told = await withEtcd(flags, (client) => client.timeToLive(id, withKeys))
  const { header, TTL, grantedTTL, keys } = told
  writeOut(flags, {
    simple: () => {
      if (TTL === -1) return print(`lease ${leaseText(id)} already expired`)
      const attached = withKeys ? `, attached keys([${keys.map(textOf).join(' ')}])` : ''
      const times = `TTL(${grantedTTL}s), remaining(${TTL}s)`
      print(`lease ${leaseText(id)} granted with ${times}${attached}`)
    },
    json: () => ({
      ...headerFields(header),
      id: BigInt(id),
      ttl: TTL,
      'granted-ttl': grantedTTL,
      keys: keys.length === 0 ? null : keys.map(base64),
    }),
    fields: () => [
      ...headerLines(header),
      ['ID', id],
      ['TTL', TTL],
      ['GrantedTTL', grantedTTL],
      ...keys.map((key) => ['Key', JSON.stringify(textOf(key))] as const),
    ],
  })
}

export async function list(flags: Flags): Promise<void> {
  const { header, leases } = await withEtcd(flags, (client) => client.leases())
  writeOut(flags, {
    simple: () => {
      print(`found ${leases.length} leases`)
      for (const { ID } of leases) print(leaseText(ID))
    },
    json: () => ({
      ...headerFields(header),
      leases: leases.map(({ ID }) => ({ id: BigInt(ID) })),
    }),
    fields: () => [...headerLines(header), ...leases.map(({ ID }) => ['ID', ID] as const)],
  })
}

/** Until the lease is gone. As etcdctl has it, that is an error for who asks once, and else how it ends. */
export async function keepAlive(
  text: string,
  flags: Flags & { readonly once?: boolean },
): Promise<void> {
  const id = leaseIdOf(text, 'lease keep-alive')
  await withEtcd(flags, async (client) => {
    for (;;) {
      const response = await client.keepAliveOnce(id)
      if (response.TTL <= 0) {
        if (flags.once === true)
          throw new CliError(EXIT.usage, 'etcdserver: requested lease not found')
        print(`lease ${leaseText(id)} expired or revoked.`)
        return
      }
      tellKept(flags, response)
      if (flags.once === true) return
      await new Promise((resolve) => setTimeout(resolve, (response.TTL * 1_000) / 3))
    }
  })
}

function tellKept(flags: Flags, { header, ID, TTL }: LeaseKeepAliveResponse): void {
  writeOut(flags, {
    simple: () => print(`lease ${leaseText(ID)} keepalived with TTL(${TTL})`),
    json: () => ({ ...headerFields(header), ID: BigInt(ID), TTL }),
    fields: () => [...headerLines(header), ['ID', ID], ['TTL', TTL]],
  })
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('utf8')
}
