/** `member list` and `move-leader`. */
import { CliError, EXIT } from '../errors.js'
import { headerLines } from '../format/etcd/fields.js'
import { headerFields } from '../format/etcd/json.js'
import { type Field, filled, GAP, type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { print } from '../output.js'
import { hexId, memberIdOf } from '../parse/lease-id.js'
import { type ClientFlags, endpointsOf, withEtcd } from '../session.js'

const HEAD = ['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER']

export async function list(
  flags: ClientFlags & WriteOutFlag & { readonly hex?: boolean },
): Promise<void> {
  const { header, members } = await withEtcd(flags, (client) => client.memberList())
  const id = (text: string) => (flags.hex === true ? hexId(text) : BigInt(text))
  const rows = members.map((member) => [
    hexId(member.ID),
    member.name === '' ? 'unstarted' : 'started',
    member.name,
    member.peerURLs.join(','),
    member.clientURLs.join(','),
    String(member.isLearner),
  ])
  writeOut(flags, {
    simple: () => {
      for (const row of rows) print(row.join(', '))
    },
    json: () => ({
      header: headerFields(header),
      members: members.map((member) => ({ ...filled({ ...member, ID: id(member.ID) }) })),
    }),
    fields: () => [
      ...headerLines(header),
      ...members.flatMap((member): Field[] => [
        ['ID', id(member.ID)],
        ['Name', JSON.stringify(member.name)],
        ...member.peerURLs.map((url): Field => ['PeerURL', JSON.stringify(url)]),
        ...member.clientURLs.map((url): Field => ['ClientURL', JSON.stringify(url)]),
        ['IsLearner', member.isLearner],
        GAP,
      ]),
    ],
    table: () => ({ head: HEAD, rows }),
  })
}

/** Asks the leader for it, whichever of the endpoints that is. */
export async function moveLeader(text: string, flags: ClientFlags): Promise<void> {
  const target = memberIdOf(text)
  await withEtcd(flags, async (client) => {
    for (const endpoint of endpointsOf(flags)) {
      const status = await client.status(endpoint).catch(() => null)
      const id = status?.header?.memberId
      if (status === null || id !== status.leader) continue
      await client.moveLeader(endpoint, target)
      print(`Leadership transferred from ${hexId(id)} to ${hexId(target)}`)
      return
    }
    throw new CliError(EXIT.unavailable, 'no leader among --endpoints: name all of the members')
  })
}
