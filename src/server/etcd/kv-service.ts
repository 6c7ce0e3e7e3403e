/** etcdserverpb.KV. */
import { CommandTag } from '../../machine/kv/commands.js'
import { etcdKv } from '../../rpc/etcd-services.js'
import { type Route, streaming, unary } from '../../rpc/types.js'
import { type CommandParts, runCommand } from './commands.js'
import { notYet } from './errors.js'

export function kvRoutes(parts: CommandParts): Route[] {
  const { RANGE, PUT, DELETE_RANGE, TXN, COMPACT } = CommandTag
  return [
    unary(etcdKv.range, (request, context) => runCommand(parts, RANGE, request, context)),
    unary(etcdKv.put, (request, context) => runCommand(parts, PUT, request, context)),
    unary(etcdKv.deleteRange, (request, context) =>
      runCommand(parts, DELETE_RANGE, request, context),
    ),
    unary(etcdKv.txn, (request, context) => runCommand(parts, TXN, request, context)),
    streaming(etcdKv.rangeStream, (stream) => stream.fail(notYet('RangeStream'))),
    unary(etcdKv.compact, (request, context) => runCommand(parts, COMPACT, request, context)),
  ]
}
