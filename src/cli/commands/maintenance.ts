/** `compaction` and `alarm`. */
import { usageError } from '../errors.js'
import { headerLines } from '../format/etcd/fields.js'
import { headerFields } from '../format/etcd/json.js'
import { type Field, filled, GAP, type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { print } from '../output.js'
import { type ClientFlags, withEtcd } from '../session.js'

const ALARMS = ['NONE', 'NOSPACE', 'CORRUPT']

export async function compaction(
  text: string,
  flags: ClientFlags & { readonly physical?: boolean },
): Promise<void> {
  const revision = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(revision))
    throw usageError(`compaction: expected a revision, got ${JSON.stringify(text)}`)
  const options = { physical: flags.physical ?? false }
  await withEtcd(flags, (client) => client.compact(revision, options))
  print(`compacted revision ${revision}`)
}

export async function alarm(
  verb: 'list' | 'disarm',
  flags: ClientFlags & WriteOutFlag,
): Promise<void> {
  const { header, alarms } = await withEtcd(flags, (client) =>
    verb === 'list' ? client.alarms() : client.disarm(),
  )
  writeOut(flags, {
    simple: () => {
      for (const { memberID, alarm } of alarms)
        print(`memberID:${memberID} alarm:${ALARMS[alarm] ?? alarm} `)
    },
    json: () => ({
      // etcd sends none.
      ...(header === undefined ? {} : { header: headerFields(header) }),
      ...filled({
        alarms: alarms.map((one) => filled({ ...one, memberID: BigInt(one.memberID) })),
      }),
    }),
    fields: () => [
      ...headerLines(header),
      ...alarms.flatMap((one): Field[] => [
        ['MemberID', one.memberID],
        ['AlarmType', ALARMS[one.alarm] ?? one.alarm],
        GAP,
      ]),
    ],
  })
}
