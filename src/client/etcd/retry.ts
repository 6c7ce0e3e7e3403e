/**
 * What a failed attempt at a call of etcd's API came to, of Quorate or of etcd itself. The rule is the client's own
 * (verdict.ts): only what says that it was never executed counts so.
 */
import { Code, type RpcError } from '../../rpc/status.js'
import { ClientError } from '../errors.js'
import { verdictOfError } from '../verdict.js'

export type Failure =
  /** Certainly not executed: to be tried again. */
  | { readonly type: 'NotExecuted'; readonly error: ClientError }
  /** It may have happened, or may yet. */
  | { readonly type: 'Unknown'; readonly error: ClientError }
  /** Refused for what it says: trying again is of no use. */
  | { readonly type: 'Refused'; readonly error: ClientError }

/** Said by members before they take a request up. */
const NOT_TAKEN_UP = ['etcdserver: no leader', 'etcdserver: server is likely overloaded']
/** Lasts until somebody makes room. */
const NO_SPACE = 'etcdserver: mvcc: database space exceeded'

export function failureOf(error: RpcError, endpoint: string): Failure {
  const verdict = verdictOfError(error)
  switch (verdict.type) {
    case 'Rejected':
      return { type: 'Refused', error: verdict.error }
    case 'NotLeader':
      return notExecuted('NoLeader', error)
    case 'Overloaded':
      if (verdict.reason === NO_SPACE)
        return { type: 'Refused', error: new ClientError('Overloaded', NO_SPACE, error.code) }
      return notExecuted('Overloaded', error)
    case 'Unreachable': {
      const text = `${endpoint}: ${verdict.reason}`
      return { type: 'NotExecuted', error: new ClientError('Unavailable', text) }
    }
    case 'Indeterminate':
      if (error.code === Code.UNAVAILABLE && NOT_TAKEN_UP.includes(error.message))
        return notExecuted('NoLeader', error)
      return {
        type: 'Unknown',
        error: new ClientError('Indeterminate', `${endpoint}: ${verdict.reason}`, verdict.code),
      }
    case 'Answer':
      throw new Error('an error is no answer')
  }
}

function notExecuted(kind: 'NoLeader' | 'Overloaded', error: RpcError): Failure {
  return { type: 'NotExecuted', error: new ClientError(kind, error.message, error.code) }
}
